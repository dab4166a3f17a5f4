"""The benchmark of accounting: what it fills is accounted whole, and its parts are the whole."""

from tests.benchmarks.accounting_speed import measured


def test_every_attempt_of_the_benchmark_is_accounted_and_their_shares_are_the_energy_of_their_trials(tmp_path):
    report = measured(tmp_path, trials=3, attempts=200)
    assert report["attempts"] == 600
    assert report["conserved_to"] < 1e-9
    assert report["wall_s"] > 0
