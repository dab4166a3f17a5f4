"""Facts of the ledgers, as of a day."""

from datetime import date

import pytest

from flows.errors import ConfigError
from flows.ledgerfacts import yearly_grid_fact


def test_a_zone_whose_rows_begin_later_is_a_sentence_and_not_another_tables_figure():
    with pytest.raises(
        ConfigError, match=r"no grid intensity for zone 'DEU' on 2022-12-31; .* add a row with its source"
    ):
        yearly_grid_fact("DEU", trial_id="t", on=date(2022, 12, 31), where="site zone")


@pytest.mark.parametrize(
    ("zone", "on", "ledger", "central"),
    [
        ("DEU", date(2023, 1, 1), "grid_intensity", 381.0),
        ("WORLD", date(2025, 12, 31), "grid_intensity", 475.0),
        ("WORLD", date(2026, 1, 1), "grid_intensity", 458.29),
        ("NOR", date(2026, 1, 1), "codecarbon", 30.08),  # no row of ours
    ],
)
def test_a_fact_is_that_of_its_day(zone, on, ledger, central):
    found = yearly_grid_fact(zone, trial_id="t", on=on, where="site zone")
    assert (found.ledger, found.central) == (ledger, pytest.approx(central, rel=2e-3))
