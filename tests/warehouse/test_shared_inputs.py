"""What two trials are wrong in together, and what each is wrong in alone."""

from dataclasses import replace

import numpy as np
import pytest

from tests.warehouse.builders import attempt_row, counter_samples, meter_row, sample_row, trial_row
from warehouse.shared_inputs import drawn_figures

NAMES = ("night-1.alpha.chat.1", "night-1.beta.chat.1")


def two_trials(*metered):
    """The same metered window in two trials of one host."""
    return [
        replace(row, trial_id=name)
        for name in NAMES
        for row in (
            trial_row(target_id=name.split(".")[1]),
            replace(attempt_row(), attempt_id=f"{name}.0"),
            *metered,
        )
    ]


def counted(**changes):
    return [meter_row(resolution_s=2.0, **changes), *counter_samples()]


def modelled():
    meter = meter_row(meter="modelled:cpu", basis="modelled", method="tdp-load-curve")
    samples = [
        sample_row(meter="modelled:cpu", phase="load", second=n, power_w_low=10.0, power_w=30.0, power_w_high=60.0)
        for n in range(-1, 12)
    ]
    return [meter, *samples]


def two_counters():
    second = [replace(sample, meter="rapl:package-1") for sample in counter_samples()]
    return [*counted(), meter_row(meter="rapl:package-1", resolution_s=2.0), *second]


@pytest.mark.parametrize(("metered", "shared"), [(modelled, True), (counted, False), (two_counters, False)])
def test_a_model_is_wrong_for_both_alike_and_a_counter_that_was_read_for_each_in_its_own_way(
    warehouse, metered, shared
):
    con = warehouse(two_trials(*metered()))
    one, other = drawn_figures(con, "j_per_output_token", NAMES)
    assert one.max() > 1.1, "the figure has a range"
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(1.0 if shared else 0.0, abs=0.05)
