"""The last check of each target, out of all that landed."""

from datetime import timedelta

from tests.warehouse.synthetic_checks import CHECKED_AT, check_row, finding_row, finding_rows


def test_a_target_is_shown_by_its_last_check_with_its_deviations_in_order(warehouse):
    con = warehouse(
        [
            check_row(check_id="a.1"),
            *finding_rows("a.1", {}),
            check_row(check_id="a.2", started_at=CHECKED_AT + timedelta(days=3), conforming_findings=1),
            *finding_rows(
                "a.2", {"wrong_key": "deviates", "max_tokens": "deviates", "usage": "unknown", "as_made": "deviates"}
            ),
            check_row(check_id="b.1", target_id="beta", required_findings=0, conforming_findings=0),
            finding_row(check_id="b.1", verdict="not applicable"),
        ]
    )
    rows = con.execute(
        "SELECT target_id, check_id, conformance_share, deviations, unknown_findings FROM latest_checks ORDER BY 1"
    ).fetchall()
    assert rows == [
        ("alpha", "a.2", 0.25, ["max_tokens", "wrong_key"], 1),  # what is not required is no deviation
        ("beta", "b.1", None, [], 0),
    ]


def test_the_findings_are_those_of_the_last_check(warehouse):
    con = warehouse(
        [
            check_row(check_id="a.1"),
            *finding_rows("a.1", {"usage": "deviates"}),
            check_row(check_id="a.2", started_at=CHECKED_AT + timedelta(days=3)),
            *finding_rows("a.2", {}),
        ]
    )
    rows = con.execute("SELECT finding_id, verdict FROM latest_check_findings ORDER BY finding_number").fetchall()
    assert rows[:2] == [("tls", "yes"), ("rate_limits", "yes")]
    assert ("usage", "yes") in rows and len(rows) == 8
