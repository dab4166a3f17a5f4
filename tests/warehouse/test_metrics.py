"""The registry of metrics: it names columns that are there, and shows values as people read them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.errors import WarehouseError
from warehouse.metrics import METRICS, MIN_ATTEMPTS, TASK_METRICS, UNKNOWN, format_value, is_sufficient, metric

# The same cases each time, and no clock: the machine may be busy.
law = settings(derandomize=True, database=None, deadline=None)


def test_every_metric_names_columns_of_the_leaderboard(warehouse):
    columns = {row[0] for row in warehouse([]).execute("DESCRIBE leaderboard").fetchall()}
    for m in (*METRICS, *TASK_METRICS):
        assert m.column in columns
        assert m.sample_column is None or m.sample_column in columns
        if m.has_range:
            assert {f"{m.column}_low", f"{m.column}_high"} <= columns
        else:
            assert f"{m.column}_low" not in columns


def test_ids_are_unique_and_found():
    known = (*METRICS, *TASK_METRICS)
    assert len({m.id for m in known}) == len({m.alias for m in known}) == len(known)
    assert all(metric(m.id) is m for m in known)
    with pytest.raises(WarehouseError, match="'price' is not known"):
        metric("price")


@pytest.mark.parametrize(
    ("metric_id", "value", "shown"),
    [
        ("ttft_p50_s", 0.21437, "214"),
        ("ttft_p50_s", 0.0098765, "9.88"),
        ("ttft_p50_s", 0.0099961, "10.0"),
        ("ttft_p50_s", 0.9996, "1,000"),
        ("ttft_p50_s", 12.3456, "12,346"),
        ("goodput_share", 1.0, "100"),
        ("goodput_share", 0.0, "0"),
        ("failed_share", 0.0333333, "3.33"),
        ("usd_per_output_mtok", 0.000012345, "0.0000123"),
        ("j_per_output_token", None, UNKNOWN),
        ("j_per_output_token", math.nan, UNKNOWN),
    ],
)
def test_values_are_shown_with_three_significant_digits_in_the_unit_people_use(metric_id, value, shown):
    assert format_value(metric(metric_id), value) == shown


@law
@given(st.floats(1e-9, 1e9))
def test_what_is_shown_is_within_half_a_percent_of_the_value_and_has_no_exponent(value):
    shown = format_value(metric("usd_per_output_mtok"), value)
    assert "e" not in shown
    assert float(shown.replace(",", "")) == pytest.approx(value, rel=0.0051)


def test_the_registry_and_the_views_ask_for_the_same_number_of_attempts(warehouse):
    assert (
        dict(warehouse([]).execute("SELECT percentile, min_attempts FROM percentile_rules").fetchall()) == MIN_ATTEMPTS
    )


def test_a_percentile_has_three_attempts_beyond_it_where_it_has_what_it_needs():
    for percentile, needed in MIN_ATTEMPTS.items():
        if percentile != 50:
            assert needed * min(percentile, 100 - percentile) == 300


def test_a_95th_percentile_needs_60_attempts_to_say_more_than_the_extremes_do():
    p95 = metric("ttft_p95_s")
    assert is_sufficient(p95, 60)
    assert not is_sufficient(p95, 59)
    assert not is_sufficient(p95, None)
    assert is_sufficient(metric("ttft_p50_s"), 1)
