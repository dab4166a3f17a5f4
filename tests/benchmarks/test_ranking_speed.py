"""The benchmark of rank bands: it times every kind of metric, and its simulation tells good intervals from bad ones."""

from tests.benchmarks.ranking_speed import METRICS, coverage, filled, speed
from tests.warehouse.bands import workload_bands


def test_every_metric_of_the_benchmark_is_ranked_and_timed():
    con = filled(3, 3, 8)
    for metric_id in METRICS:
        bands = workload_bands(con, "load", ["e00", "e01", "e02"], by=metric_id, any_grade=True)
        assert all(band.rank_low is not None for band in bands), metric_id
    con.close()
    assert set(speed(2, 3, 4)) == {*METRICS, "formula"}


def test_of_three_nights_students_t_holds_the_truth_and_resampled_nights_do_not():
    (few, *_) = coverage(300, attempts=4).values()
    assert 0.91 <= few["student-t"] <= 0.98
    assert few["percentile-bootstrap"] < 0.85
