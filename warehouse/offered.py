"""Which metrics a workload can be asked for: those of the board, and those of other tasks where a target has one."""

from typing import TYPE_CHECKING

from warehouse.metrics import METRICS, TASK_METRICS, Metric

if TYPE_CHECKING:
    import duckdb

# a chat reads prompts too, but how fast is in its time to first token: only of texts and documents is it a figure
_READ = """
    SELECT
        count(items_per_s) > 0 AS items_per_s,
        count(items_per_s) > 0 AND count(input_tokens_per_s) > 0 AS input_tokens_per_s,
        count(audio_p50_s_per_s) > 0 AS audio_p50_s_per_s,
        count(images_per_s) > 0 AS images_per_s
    FROM trial_metrics
    WHERE workload_id = ?
"""


def offered_metrics(con: "duckdb.DuckDBPyConnection", workload_id: str) -> list[Metric]:
    """Metrics of the registry, in its order, that some target under a workload may have a figure of."""
    found = con.execute(_READ, [workload_id])
    names = [name for name, *_ in found.description or []]
    known = {name for name, is_known in zip(names, found.fetchall()[0], strict=True) if is_known}
    return [*METRICS, *(of for of in TASK_METRICS if of.id in known)]
