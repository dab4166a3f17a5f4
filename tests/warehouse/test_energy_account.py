"""What an energy account knows against itself: its error bound, where its idle baseline is from, what others drew."""

from dataclasses import replace

import pytest

from tests.warehouse.builders import (
    BOOT_NS,
    SECOND_NS,
    attempt_row,
    counter_samples,
    meter_row,
    sample_row,
    trial_row,
)

TRIAL = "night-1.alpha.chat.1"
EARLIER = "night-0.alpha.chat.1"


def row_of(con, view, *columns, trial_id=TRIAL):
    (row,) = con.execute(f"SELECT {', '.join(columns)} FROM {view} WHERE trial_id = ?", [trial_id]).fetchall()
    return row if len(columns) > 1 else row[0]


def sampled(watts, *, step_s=0.1, meter="wall", load_share=None, **changes):
    """A power meter that is read ten times a second from 1 s before the window of 10 s to 1 s after it."""
    row = replace(meter_row(meter=meter, component="cpu", method="power-sampled"), **changes)
    steps = range(round(-1 / step_s), round(11 / step_s) + 1)
    return [row] + [
        sample_row(meter=meter, phase="load", second=n * step_s, power_w=watts(n * step_s), load_share=load_share)
        for n in steps
    ]


def idle_of(trial_id, *, seconds, watts=5.0, meter="rapl:package-0"):
    return [
        replace(sample_row(meter=meter, phase="idle", second=n, energy_j=watts * n, power_w=None), trial_id=trial_id)
        for n in range(seconds + 1)
    ]


def test_a_counter_that_may_be_old_widens_the_range_by_its_bound(warehouse):
    meter = meter_row(resolution_s=2.0)
    con = warehouse([trial_row(), attempt_row(), meter, *counter_samples()])
    # 2 s x 30 W at either edge; readings end 1 s after the window, so the last second is assumed
    assert row_of(con, "energy", "energy_j_low", "energy_j", "energy_j_high") == pytest.approx((240.0, 300.0, 360.0))
    assert row_of(con, "energy", "error_bound_j") == pytest.approx(60.0)
    assert row_of(con, "energy", "note") is None or "not known" not in row_of(con, "energy", "note")


def test_where_it_is_not_known_how_old_readings_are_the_step_between_them_is_taken_and_said(warehouse):
    con = warehouse([trial_row(), attempt_row(), meter_row(resolution_s=None), *counter_samples()])
    assert row_of(con, "energy", "error_bound_j") == pytest.approx(30.0)
    assert "how old a reading may be is not known; taken as the 1 s" in row_of(con, "energy", "note")


def test_a_power_meter_of_unknown_age_is_taken_to_be_as_old_as_the_step_between_its_readings(warehouse):
    # 40 W more from 5.0 s on: between readings half a step x 40 W; a step more if they may be as old as that
    con = warehouse([trial_row(), attempt_row(), *sampled(lambda t: 20.0 if t < 5 else 60.0, resolution_s=None)])
    assert row_of(con, "energy", "error_bound_j") == pytest.approx(2.0 + 4.0)
    assert "wall: how old a reading may be is not known; taken as the 0.1 s" in row_of(con, "energy", "note")


def card(number, watts, **changes):
    return [replace(row, component="gpu") if hasattr(row, "component") else row for row in sampled(
        lambda _: watts, meter=f"nvml:{number}", method="nvml-power-sampled", **changes)]  # fmt: skip


def counted_card(watts):
    gpu = [replace(sample, meter="nvml:0") for sample in counter_samples(load_w=watts)]
    return [meter_row(meter="nvml:0", component="gpu", method="nvml-energy-counter"), *gpu]


def test_cards_that_are_metered_in_different_ways_add_up(warehouse):
    con = warehouse([trial_row(), attempt_row(), *counted_card(200.0), *card(1, 50.0)])
    assert row_of(con, "energy", "energy_j", "method") == (
        pytest.approx(2500.0),
        "gpu: nvml-energy-counter + nvml-power-sampled",
    )
    # and what they drew together is divided among the attempts
    divided = con.execute("SELECT attributed_j + overhead_j FROM attribution_accounts").fetchall()
    assert divided == [(pytest.approx(2500.0),)]


def test_a_card_that_cannot_be_told_leaves_the_energy_of_all_cards_unknown(warehouse):
    split = meter_row(
        meter="nvml:1", component="gpu", method="none", valid=False, invalid_reason="GPU 1 is split into 2 instances"
    )
    con = warehouse([trial_row(), attempt_row(), *counted_card(200.0), split])
    assert row_of(con, "energy", "energy_j", "reason") == (
        None,
        "none + nvml-energy-counter: GPU 1 is split into 2 instances",
    )


def test_a_meter_of_the_users_own_stands_for_all_cards(warehouse):
    own = sampled(lambda _: 300.0, meter="hook:pdu", component="gpu", method="hook-power-sampled")
    con = warehouse([trial_row(), attempt_row(), *counted_card(200.0), *card(1, 50.0), *own])
    assert row_of(con, "energy", "energy_j", "method") == (pytest.approx(3000.0), "gpu: hook-power-sampled")


def test_power_that_jumps_widens_the_range_by_half_a_step_of_each_jump(warehouse):
    con = warehouse([trial_row(), attempt_row(), *sampled(lambda t: 20.0 if t < 5.04 else 60.0)])
    assert row_of(con, "energy", "error_bound_j") == pytest.approx(2.0)
    low, central, high = row_of(con, "energy", "energy_j_low", "energy_j", "energy_j_high")
    assert (low, high) == pytest.approx((central - 2.0, central + 2.0))
    assert low <= 20.0 * 5.04 + 60.0 * 4.96 <= high


def test_the_bounds_of_meters_and_of_components_add(warehouse):
    one = sampled(lambda t: 20.0 if t < 5 else 60.0, meter="wall:1")
    two = sampled(lambda t: 20.0 if t < 5 else 80.0, meter="wall:2")
    gpu = [replace(row, component="gpu") if hasattr(row, "component") else row for row in sampled(
        lambda t: 100.0 if t < 5 else 300.0, meter="nvml:0")]  # fmt: skip
    con = warehouse([trial_row(), attempt_row(), *one, *two, *gpu])
    assert row_of(con, "energy", "error_bound_j") == pytest.approx(2.0 + 3.0 + 10.0)
    by_component = con.execute("SELECT component, error_bound_j FROM energy_accounts ORDER BY 1").fetchall()
    assert by_component == [("cpu", pytest.approx(5.0)), ("gpu", pytest.approx(10.0))]


def test_a_window_that_the_meter_cannot_tell_apart_is_a_sentence(warehouse):
    short = trial_row(window_end_ns=BOOT_NS + SECOND_NS // 20)
    con = warehouse([short, attempt_row(), *sampled(lambda _: 20.0, resolution_s=0.1)])
    assert row_of(con, "energy", "energy_j", "error_bound_j") == (None, None)
    assert row_of(con, "energy", "reason").startswith(
        "power-sampled: the window of 0.05 s is shorter than the 0.1 s that wall can tell apart"
    )
    assert row_of(con, "trial_metrics", "ttft_p50_s") == 0.5


def test_a_short_idle_baseline_is_used_and_said_and_a_long_one_is_not_mentioned(warehouse):
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples()])
    assert row_of(con, "energy", "idle_window_s", "idle_j") == pytest.approx((10.0, 50.0))
    assert row_of(con, "energy", "note") == "cpu: idle power was metered for 10 s, 30 s are steady"
    load = [sample for sample in counter_samples() if sample.phase == "load"]
    long = [replace(row, t_ns=row.t_ns - 60 * SECOND_NS) for row in idle_of(TRIAL, seconds=30)]
    con = warehouse([trial_row(), attempt_row(), meter_row(), *long, *load])
    assert row_of(con, "energy", "idle_window_s", "note") == (30.0, None)


def later_and_earlier(**earlier_meter):
    """A trial that took no idle baseline, and the one whose it names."""
    load = [sample for sample in counter_samples() if sample.phase == "load"]
    earlier = [
        trial_row(trial_id=EARLIER, run_id="night-0", window_start_ns=None, window_end_ns=None),
        meter_row(trial_id=EARLIER, **earlier_meter),
        *idle_of(EARLIER, seconds=30, watts=7.0),
    ]
    return [trial_row(idle_trial_id=EARLIER), attempt_row(), meter_row(), *load, *earlier]


def test_a_trial_that_took_no_idle_baseline_uses_that_of_the_trial_it_names(warehouse):
    con = warehouse(later_and_earlier())
    assert row_of(con, "energy", "idle_j", "active_j", "idle_window_s") == pytest.approx((70.0, 230.0, 30.0))


def test_a_meter_that_was_not_there_or_did_not_hold_has_no_baseline_and_says_so(warehouse):
    con = warehouse(later_and_earlier(meter="rapl:package-1"))
    assert row_of(con, "energy", "energy_j", "idle_j", "idle_window_s") == (pytest.approx(300.0), None, None)
    assert "no idle baseline" in row_of(con, "energy", "note")
    con = warehouse(later_and_earlier(valid=False, invalid_reason="it stood still"))
    assert row_of(con, "energy", "idle_j") is None


def test_what_other_processes_drew_is_shown_beside_the_active_energy_and_not_taken_from_it(warehouse):
    idle = [sample_row(meter="wall", phase="idle", second=n - 60, power_w=10.0) for n in range(31)]
    meter = sampled(lambda _: 30.0, load_share=0.5)
    con = warehouse([trial_row(cpu_share_others=0.1), attempt_row(), *meter, *idle])
    assert row_of(con, "energy", "energy_j", "active_j", "others_active_j") == pytest.approx((300.0, 200.0, 40.0))
    without_load = [replace(row, load_share=None) if hasattr(row, "load_share") else row for row in meter]
    con = warehouse([trial_row(cpu_share_others=0.1), attempt_row(), *without_load, *idle])
    assert row_of(con, "energy", "active_j", "others_active_j") == (pytest.approx(200.0), None)
    con = warehouse([trial_row(cpu_share_others=None), attempt_row(), *meter, *idle])
    assert row_of(con, "energy", "others_active_j") is None


def test_what_others_drew_of_a_gpu_is_not_known_by_cpu_time(warehouse):
    rows = sampled(lambda _: 30.0, load_share=0.5, component="gpu")
    idle = [sample_row(meter="wall", phase="idle", second=n - 60, power_w=10.0) for n in range(31)]
    con = warehouse([trial_row(cpu_share_others=0.1), attempt_row(), *rows, *idle])
    assert row_of(con, "energy", "active_j", "others_active_j") == (pytest.approx(200.0), None)


def test_an_idle_baseline_of_a_busy_machine_is_used_and_said(warehouse):
    def trial(idle_load):
        idle = [
            sample_row(meter="wall", phase="idle", second=n - 60, power_w=10.0, load_share=idle_load) for n in range(31)
        ]
        return [trial_row(), attempt_row(), *sampled(lambda _: 30.0, load_share=0.5), *idle]

    con = warehouse(trial(0.6))
    assert row_of(con, "energy", "idle_j") == pytest.approx(100.0)
    assert "it was 60% busy with other work while idle power was metered" in row_of(con, "energy", "note")
    assert row_of(warehouse(trial(0.09)), "energy", "note") is None
