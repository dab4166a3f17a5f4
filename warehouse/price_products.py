"""What has been bought, and from whom: hosted targets of nights and pulses, ad hoc benches apart from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.pricebook.entry import Product
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """Each model of a target once, at its latest address; no product is in both lists."""

    hosted: Sequence[Product]  # of targets that a config names
    benched: Sequence[Product]  # of benches alone, which no config names and no contract prices
    own: Sequence[str]  # ids of targets that are not bought by the token


def bought(con: "duckdb.DuckDBPyConnection") -> Bought:
    """What a warehouse or a snapshot has seen served.

    Args:
        con: a connection to it.
    """
    rows = dicts(
        con.execute(
            """
            SELECT
                t.target_id,
                t.provider,
                t.model,
                t.kind,
                t.base_url,
                bool_and(coalesce(a.run_kind = 'bench', false)) OVER of_product AS benched
            FROM trials AS t
            LEFT JOIN ad_hoc_runs AS a USING (run_id)
            WINDOW of_product AS (PARTITION BY t.target_id, t.provider, t.model)
            QUALIFY row_number() OVER (of_product ORDER BY t.started_at DESC, t.trial_id) = 1
            ORDER BY t.target_id, t.provider, t.model
            """
        )
    )
    products = [
        (
            Product(target_id=row["target_id"], provider=row["provider"], model=row["model"], base_url=row["base_url"]),
            row["benched"],
        )
        for row in rows
        if row["kind"] == "endpoint"
    ]
    return Bought(
        hosted=[product for product, benched in products if not benched],
        benched=[product for product, benched in products if benched],
        own=sorted({row["target_id"] for row in rows if row["kind"] == "local"}),
    )
