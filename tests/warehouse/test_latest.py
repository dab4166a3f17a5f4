"""What `latest` means where the newest trial has nothing to show."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from tests.warehouse.builders import STARTED_AT, attempt_row, failed_row, job_row, trial_row
from warehouse.latest import Found, latest_accounted, latest_trial

REFUSED = "3 attempts in a row ended in connect_refused: 127.0.0.1:1: Connection refused"


def trial(name, hour, *, answers=0, refused=0, reason=None):
    """A trial that began at an hour, with its attempts."""
    at = STARTED_AT + timedelta(hours=hour)
    rows = [replace(trial_row(), trial_id=name, run_id=name, started_at=at, status_reason=reason)]
    for seq in range(answers + refused):
        row = attempt_row(seq) if seq < answers else failed_row(seq, error_class="connect_refused")
        rows.append(replace(row, attempt_id=f"{name}.{seq}", trial_id=name))
    return rows


ROWS = [
    *trial("served", 0, answers=1, refused=1),
    job_row(job_id="job", started_at=STARTED_AT + timedelta(hours=1)),
    *trial("dead", 2, refused=2, reason=REFUSED),
    *trial("worse", 3, refused=2),
    *trial("unsent", 4),
    *trial("later", 5, answers=1),
]


@contextmanager
def only(con, *ids):
    """For a moment there are only these trials and jobs."""
    con.begin()
    for table in ("trials", "trial_outcomes_kept"):
        con.execute(f"DELETE FROM {table} WHERE trial_id NOT IN (SELECT unnest(?))", [ids])
    con.execute("DELETE FROM jobs WHERE job_id NOT IN (SELECT unnest(?))", [ids])
    yield con
    con.rollback()


def test_the_newest_trial_with_an_answer_is_taken_and_a_newer_one_without_is_named_with_its_reason(warehouse):
    con = warehouse(ROWS)
    for there, found, said in (
        (["served"], "served", None),
        (["served", "dead"], "served", f"Not the newest trial, dead, which has no answer: {REFUSED}."),
        (["served", "dead", "later"], "later", None),
        (["served", "unsent"], "served", "Not the newest trial, unsent, which has no answer: nothing was sent."),
        (
            ["served", "dead", "worse"],
            "served",
            "2 newer trials have no answer; of worse, the newest, this is why: 2 connect_refused.",
        ),
        (["dead"], "dead", f"No trial has an answer yet, nor has this: {REFUSED}."),
    ):
        with only(con, *there):
            assert latest_trial(con) == latest_accounted(con) == Found(ids=(found,), passed_over=said), there
    with only(con):
        assert latest_trial(con) is latest_accounted(con) is None


def test_a_job_and_a_trial_that_drew_energy_have_an_account_though_nobody_answered(warehouse):
    con = warehouse(ROWS)
    with only(con, "served", "job", "dead"):
        assert latest_trial(con).ids == ("served",)
        assert latest_accounted(con).ids == ("job",)
        assert latest_accounted(con).passed_over.startswith("Not the newest trial, dead, which has no answer")
        con.execute(
            "INSERT INTO energy_accounts (trial_id, component, in_total, energy_j, method, method_version, factors,"
            " recorded_at) VALUES ('dead', 'cpu', true, 12.0, 'energy-counter', '3', [], now())"
        )
        assert latest_accounted(con) == Found(ids=("dead",))
        assert latest_trial(con).ids == ("served",)
