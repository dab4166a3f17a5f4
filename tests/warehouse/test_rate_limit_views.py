"""Refusals for the rate are told apart from other failures, and what headers say of a limit becomes a usable rate."""

from dataclasses import replace

from tests.warehouse.builders import attempt_row, failed_row, trial_row

HEADERS = {
    "limit_requests": 60,
    "remaining_requests": 30,
    "requests_reset_s": 15.0,
    "limit_tokens": 6000,
    "remaining_tokens": 5000,
    "tokens_reset_s": 10.0,
}


def trial_of(target_id, attempts, **changes):
    rows = [replace(row, trial_id=target_id, attempt_id=f"{target_id}.{n}", seq=n) for n, row in enumerate(attempts)]
    return [trial_row(trial_id=target_id, target_id=target_id, **changes), *rows]


def test_refusals_for_rate_or_money_are_columns_and_headers_tell_the_rate_that_can_be_used(warehouse):
    refused = [
        *(attempt_row() for _ in range(5)),
        failed_row(),
        failed_row(),
        failed_row(error_class="quota_or_spend"),
        failed_row(error_class="server_error"),
        failed_row(error_class="stale_connection", phase="lost"),
    ]
    told = [
        attempt_row(**HEADERS),
        attempt_row(phase="warmup", **HEADERS | {"remaining_requests": 45}),
        failed_row(retry_after_s=2.0, **HEADERS | {"remaining_requests": 0, "requests_reset_s": 30.0}),
        attempt_row(),
    ]
    con = warehouse(
        [
            *trial_of("refused", refused),
            *trial_of("told", told, held_back_ns=3_500_000_000),
            *trial_of("silent", [attempt_row()]),
        ]
    )
    counts = "attempts, ok, rate_limited_count, quota_or_spend_count, lost_count, round(failed_share * 9, 6)"
    found = con.execute(f"SELECT {counts} FROM trial_outcomes WHERE target_id = 'refused'").fetchall()
    assert found == [(9, 5, 2, 1, 1, 4)]  # what was lost on the way is none of them
    shares = "round(rate_limited_share * 9), round(quota_or_spend_share * 9)"
    assert con.execute(f"SELECT {shares} FROM leaderboard WHERE target_id = 'refused'").fetchall() == [(2, 1)]
    columns = (
        "target_id, attempts, rate_limited_count, told_attempts, limit_requests, remaining_requests_low, usable_rps,"
        " usable_tokens_per_s, retry_after_s, held_back_s"
    )
    assert con.execute(f"SELECT {columns} FROM rate_limits ORDER BY ALL").fetchall() == [
        ("refused", 9, 2, 0, None, None, None, None, None, None),
        ("told", 4, 1, 3, 60, 0, 2.0, 100.0, 2.0, 3.5),
    ]
