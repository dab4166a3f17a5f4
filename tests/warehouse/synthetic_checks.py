"""Invented checks: an endpoint that conforms, one with deviations, one that was not answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.landing import land
from warehouse.rows import CheckFindingRow, EndpointCheckRow

CHECKED_AT = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
DEVIATING = "together-llama-70b"
UNANSWERED = "mistral-small"

_FINDINGS = (
    ("reach", "tls", "Is the way encrypted, and the certificate good?", "yes", "TLSv1.3, by Example CA", False),
    ("reach", "rate_limits", "Does it tell its rate limits?", "yes", "x-ratelimit-limit-requests: 60", False),
    ("answer", "answers", "Does it answer a plain request?", "yes", "HTTP 200", True),
    ("answer", "max_tokens", "Does it stop at the number of tokens asked for?", "yes", "asked for 8, counted 8", True),
    ("answer", "usage", "Does it count the tokens?", "yes", "26 in + 8 out, in an event of its own", True),
    ("stream", "as_made", "Do events come as they are made?", "yes", "8 events in 8 reads over 90 ms", False),
    ("sampling", "ignore_eos", "Can it be made to go on to the limit?", "no", "refuses the field: HTTP 400", False),
    ("mistakes", "wrong_key", "Does it refuse a wrong key?", "yes", "HTTP 401", True),
)  # fmt: skip
_OTHERWISE = {
    "max_tokens": "asked for 8, counted 11",
    "usage": "no counts in the answer",
    "wrong_key": "could not be tried: HTTP 429",
    "as_made": "8 events in 1 read: something on the way holds them back",
}


def check_row(**changes) -> EndpointCheckRow:
    row = EndpointCheckRow(
        check_id="alpha.check-1",
        target_id="alpha",
        target_kind="endpoint",
        provider="groq",
        model="llama-3.3-70b-versatile",
        api="openai-chat",
        base_url="https://groq.example/v1",
        started_at=CHECKED_AT,
        ended_at=CHECKED_AT + timedelta(seconds=9),
        is_answered=True,
        advice=None,
        required_findings=4,
        conforming_findings=4,
        calls=23,
        prompt_tokens=2731,
        output_tokens=171,
        quote_usd_worst=0.012,
        connect_p50_s=0.0182,
        tls_version="TLSv1.3",
        tls_cipher="TLS_AES_256_GCM_SHA384",
        certificate_issuer="Example CA",
        certificate_expires_at=CHECKED_AT + timedelta(days=61),
        http_version="1.1",
        engine_version=None,
        host_id="host",
        megatoken_version="0.1.0",
    )
    return replace(row, **changes)


def finding_row(**changes) -> CheckFindingRow:
    group, finding_id, question, verdict, evidence, required = _FINDINGS[2]
    row = CheckFindingRow(
        check_id="alpha.check-1",
        finding_id=finding_id,
        finding_number=1,
        finding_group=group,
        question=question,
        verdict=verdict,
        evidence=evidence,
        is_required=required,
        took_s=0.31,
    )
    return replace(row, **changes)


def finding_rows(check_id: str, verdicts: dict[str, str]) -> list[CheckFindingRow]:
    """All findings of a check, some with another verdict."""
    return [
        finding_row(
            check_id=check_id,
            finding_id=finding_id,
            finding_number=number,
            finding_group=group,
            question=question,
            verdict=verdicts.get(finding_id, verdict),
            evidence=_OTHERWISE.get(finding_id, "it did not answer") if finding_id in verdicts else evidence,
            is_required=required,
            took_s=None if group == "reach" else 0.31,
        )
        for number, (group, finding_id, question, verdict, evidence, required) in enumerate(_FINDINGS, start=1)
    ]


def land_checks(data_dir: Path, first_night_at: datetime, nights: int) -> None:
    """Land the checks of three targets, from before the first night; the second was checked again since."""
    checks = [
        (check_row(target_id="groq-llama-70b"), {}, 0),
        (check_row(target_id=DEVIATING, provider="together", base_url="https://together.example/v1"), {}, 0),
        (
            check_row(
                target_id=DEVIATING,
                provider="together",
                base_url="https://together.example/v1",
                conforming_findings=1,
            ),
            {"max_tokens": "deviates", "usage": "deviates", "wrong_key": "unknown", "as_made": "deviates"},
            max(nights - 1, 1),
        ),
        (
            check_row(
                target_id=UNANSWERED,
                provider="mistral",
                base_url="https://mistral.example/v1",
                model="mistral-smal",
                is_answered=False,
                conforming_findings=0,
                advice='there is no model "mistral-smal"; did you mean "mistral-small"?',
                prompt_tokens=None,
                output_tokens=None,
            ),
            {finding_id: "unknown" for _, finding_id, *_ in _FINDINGS} | {"answers": "no", "tls": "yes"},
            0,
        ),
    ]
    for check, verdicts, days in checks:
        at = first_night_at + timedelta(days=days, hours=-1)
        check_id = f"{check.target_id}.check-{at:%Y%m%dT%H%M%SZ}"
        dated = replace(check, check_id=check_id, started_at=at, ended_at=at + timedelta(seconds=9))
        land(data_dir, batch_id=check_id, host_id="host", rows=[dated, *finding_rows(check_id, verdicts)], landed_at=at)
