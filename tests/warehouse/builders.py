"""Rows of one trial with round numbers, for tests that change one thing at a time."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from warehouse.canary_questions import Question, is_right
from warehouse.rows import (
    AttemptRow,
    CanaryAnswerRow,
    ExchangeRow,
    FactRow,
    GridHourRow,
    JobRow,
    MeterRow,
    PlannedTrialRow,
    PowerSampleRow,
    RunEndRow,
    RunRow,
    SearchRow,
    TariffHourRow,
    TrialRow,
)

STARTED_AT = datetime(2026, 11, 1, 2, 15, tzinfo=UTC)
SECOND_NS = 1_000_000_000
# Monotonic clocks count from boot; a large origin shows arithmetic that loses nanoseconds.
BOOT_NS = 86_400 * SECOND_NS


def run_row(**changes) -> RunRow:
    row = RunRow(
        run_id="night-1",
        started_at=STARTED_AT,
        config_name="test.toml",
        config_sha256="0" * 64,
        config_toml=None,
        host_id="host",
        megatoken_version="0.1.0",
        quote_usd_worst=1.5,
        max_usd=2.0,
    )
    return replace(row, **changes)


def planned_row(**changes) -> PlannedTrialRow:
    row = PlannedTrialRow(
        run_id="night-1",
        target_id="alpha",
        workload_id="chat",
        planned_requests=2,
        quote_usd_worst=0.5,
        skip_reason=None,
    )
    return replace(row, **changes)


def end_row(**changes) -> RunEndRow:
    row = RunEndRow(run_id="night-1", ended_at=STARTED_AT + timedelta(minutes=5), state="completed", reason=None)
    return replace(row, **changes)


def trial_row(**changes) -> TrialRow:
    row = TrialRow(
        trial_id="night-1.alpha.chat.1",
        run_id="night-1",
        target_id="alpha",
        workload_id="chat",
        try_number=1,
        status="completed",
        status_reason=None,
        started_at=STARTED_AT,
        ended_at=STARTED_AT + timedelta(minutes=1),
        window_start_ns=BOOT_NS,
        window_end_ns=BOOT_NS + 10 * SECOND_NS,
        clock_offset_start_ns=0,
        clock_offset_end_ns=0,
        kind="local",
        provider="llama.cpp",
        model="smollm2-135m",
        quantisation="Q8_0",
        weights_sha256=None,
        weights_note=None,
        base_url=None,
        api="openai-chat",
        region=None,
        engine="llama.cpp",
        engine_version="1",
        device="cpu",
        threads=2,
        slots=1,
        engine_ready_s=1.0,
        arrivals="closed",
        concurrency=1,
        rate_rps=None,
        requests_planned=2,
        prompt_tokens_asked=100,
        output_tokens_asked=11,
        slo_ttft_s=1.0,
        slo_tpot_s=0.1,
        seed=0,
        stamp_source="read",
        client_cpu_s=0.5,
        engine_cpu_s=8.0,
        cpu_share_others=0.01,
        load_average_1m=1.0,
        host_id="host",
        cpu_model="test CPU",
        cpu_threads=2,
        ram_bytes=8_000_000_000,
        gpu_models=None,
        os="Linux",
        python_version="3.11",
        megatoken_version="0.1.0",
    )
    return replace(row, **changes)


def attempt_row(seq: int = 0, *, trial_id: str = "night-1.alpha.chat.1", start_s: float = 0.0, **changes) -> AttemptRow:
    """A successful attempt: 0.5 s to the first of 11 tokens, 0.05 s for each further one, ended 0.01 s later."""
    start_ns = BOOT_NS + round(start_s * SECOND_NS)
    row = AttemptRow(
        attempt_id=f"{trial_id}.{seq}",
        trial_id=trial_id,
        seq=seq,
        phase="measured",
        retry_of=None,
        started_at=STARTED_AT + timedelta(seconds=start_s),
        t_sched_ns=None,
        t_start_ns=start_ns,
        t_conn_ns=None,
        t_sent_ns=start_ns + 100_000,
        t_byte_ns=start_ns + 400_000_000,
        t_first_ns=start_ns + 500_000_000,
        t_visible_ns=start_ns + 500_000_000,
        t_last_ns=start_ns + 1_000_000_000,
        t_end_ns=start_ns + 1_010_000_000,
        stamp_source="read",
        connection_reused=True,
        http_status=200,
        error_class=None,
        error_message=None,
        finish_reason="length",
        response_bytes=2_000,
        reads=10,
        chunks=10,
        coalesced_chunks=1,
        chunk_gap_p50_ns=50_000_000,
        chunk_gap_p95_ns=60_000_000,
        chunk_gap_p99_ns=70_000_000,
        chunk_gap_max_ns=80_000_000,
        prompt_tokens=100,
        cached_tokens=0,
        output_tokens=11,
        reasoning_tokens=0,
        streamed_tokens=11,
        token_source="server",
        model_returned=None,
        system_fingerprint=None,
    )
    return replace(row, **changes)


def exchange_row(seq: int = 0, *, trial_id: str = "night-1.alpha.chat.1", **changes) -> ExchangeRow:
    """What a rate limited attempt sent and got back."""
    row = ExchangeRow(
        attempt_id=f"{trial_id}.{seq}",
        trial_id=trial_id,
        started_at=STARTED_AT,
        error_class="rate_limited",
        error_message="HTTP 429: slow down",
        usage_fault=None,
        url="http://127.0.0.1:8000/v1/chat/completions",
        api="openai-chat",
        api_key_env="ALPHA_KEY",
        request_head="POST /v1/chat/completions HTTP/1.1\nHost: 127.0.0.1:8000\nAuthorization: ***",
        request_body=b'{"model":"m"}',
        request_bytes=13,
        http_status=429,
        response_head="retry-after: 2",
        response_body=b'{"error":{"message":"slow down"}}',
        response_bytes=33,
    )
    return replace(row, **changes)


def failed_row(seq: int = 0, *, start_s: float = 0.0, error_class: str = "rate_limited", **changes) -> AttemptRow:
    """An attempt that was turned away after 0.1 s."""
    row = attempt_row(seq, start_s=start_s)
    nothing = dict.fromkeys(
        (
            "t_byte_ns",
            "t_first_ns",
            "t_visible_ns",
            "t_last_ns",
            "finish_reason",
            "chunk_gap_p50_ns",
            "chunk_gap_p95_ns",
            "chunk_gap_p99_ns",
            "chunk_gap_max_ns",
            "prompt_tokens",
            "cached_tokens",
            "output_tokens",
            "reasoning_tokens",
            "streamed_tokens",
            "token_source",
        )
    )
    failed = replace(
        row,
        **nothing,
        t_end_ns=row.t_start_ns + 100_000_000,
        http_status=429,
        error_class=error_class,
        error_message="turned away",
        chunks=0,
        coalesced_chunks=0,
    )
    return replace(failed, **changes)


def meter_row(**changes) -> MeterRow:
    row = MeterRow(
        trial_id="night-1.alpha.chat.1",
        meter="rapl:package-0",
        component="cpu",
        basis="measured",
        method="powercap-energy-counter",
        device="package-0",
        source="powercap",
        valid=True,
        invalid_reason=None,
        resolution_s=0.0,
    )
    return replace(row, **changes)


def counter_samples(
    meter: str = "rapl:package-0", *, idle_w: float = 5.0, load_w: float = 30.0
) -> list[PowerSampleRow]:
    """A counter read each second: 10 s of idle that end 2 s before the window, then load until 1 s after it."""
    samples = []
    energy_j = 1000.0
    for second in range(-12, 12):
        phase = "idle" if second < -1 else "load"
        samples.append(sample_row(meter=meter, phase=phase, second=second, energy_j=energy_j, power_w=None))
        energy_j += idle_w if second < -2 else load_w
    return samples


def sample_row(*, meter: str, phase: str, second: float, **changes) -> PowerSampleRow:
    row = PowerSampleRow(
        trial_id="night-1.alpha.chat.1",
        meter=meter,
        phase=phase,
        t_ns=BOOT_NS + round(second * SECOND_NS),
        energy_j=None,
        power_w_low=None,
        power_w=10.0,
        power_w_high=None,
        load_share=None,
    )
    return replace(row, **changes)


def search_row(**changes) -> SearchRow:
    row = SearchRow(
        search_id="night-1.alpha.chat.slo",
        run_id="night-1",
        target_id="alpha",
        workload_id="chat",
        kind="slo",
        started_at=STARTED_AT,
        ended_at=STARTED_AT + timedelta(minutes=2),
        points=7,
        slo_ttft_s=1.0,
        slo_tpot_s=0.1,
        slo_percentile=95,
        found_rate_rps_low=19.0,
        found_rate_rps=19.5,
        found_rate_rps_high=20.0,
        reason="the bracket is narrower than 5 %",
    )
    return replace(row, **changes)


def fact_row(quantity: str, central: float, **changes) -> FactRow:
    row = FactRow(
        trial_id="night-1.alpha.chat.1",
        quantity=quantity,
        low=None,
        central=central,
        high=None,
        basis="declared",
        valid_from=None,
        source="test",
    )
    return replace(row, **changes)


def job_row(**changes) -> JobRow:
    row = JobRow(
        job_id="job-1",
        label="fine-tune",
        program="train.py",
        exit_code=0,
        started_at=STARTED_AT,
        ended_at=STARTED_AT + timedelta(seconds=10),
        window_start_ns=0,
        window_end_ns=10 * 10**9,
        clock_offset_start_ns=0,
        cpu_s=8.0,
        cpu_busy_s=10.0,
        peak_rss_bytes=10**9,
        functional_unit="training_token",
        functional_units=1e6,
        host_id="host-a",
        cpu_model="Test CPU",
        cpu_threads=2,
        ram_bytes=8 * 1024**3,
        gpu_models=None,
        os="Linux",
        python_version="3.11.2",
        megatoken_version="0.1.0",
    )
    return replace(row, **changes)


def grid_hour_row(**changes) -> GridHourRow:
    row = GridHourRow(
        zone="FRA",
        hour_at=STARTED_AT.replace(minute=0, second=0, microsecond=0),
        signal="average",
        gco2e_per_kwh=56.0,
        source="hours.csv",
        retrieved_at=STARTED_AT,
    )
    return replace(row, **changes)


def tariff_hour_row(**changes) -> TariffHourRow:
    row = TariffHourRow(
        run_id="night-1",
        hour_at=STARTED_AT.replace(minute=0, second=0, microsecond=0),
        usd_per_kwh=0.3,
        tariff_name="hours.csv",
    )
    return replace(row, **changes)


def canary_row(question: Question, text: str | None, **changes) -> CanaryAnswerRow:
    """An answer to one of the canary's questions; None is a failed request."""
    row = CanaryAnswerRow(
        run_id="night-1",
        target_id="alpha",
        question_id=question.question_id,
        question_sha256=question.sha256,
        kind=question.kind,
        target_kind="endpoint",
        provider="acme",
        model="m",
        model_group="m",
        quantisation=None,
        weights_sha256=None,
        base_url="https://acme.example/v1",
        engine_version=None,
        sampling="temperature 0, seed 7",
        asked_at=STARTED_AT,
        ended_at=STARTED_AT + timedelta(seconds=1),
        answer_text=text,
        answer_sha256=None if text is None else hashlib.sha256(text.encode()).hexdigest(),
        is_right=None if text is None else is_right(question, text),
        prompt_tokens=None if text is None else 20 + len(question.prompt),
        output_tokens=None if text is None else 5,
        finish_reason=None if text is None else "stop",
        model_returned=None if text is None else "m-2026",
        system_fingerprint=None,
        error_class="server_error" if text is None else None,
        error_message="it broke" if text is None else None,
        host_id="host",
        megatoken_version="0.1.0",
    )
    return replace(row, **changes)


def local_facts(trial_id: str = "night-1.alpha.chat.1") -> list[FactRow]:
    """Facts of a machine of our own, with round numbers: a year is 3.6e7 s here."""
    facts = [
        fact_row("pue", 1.5),
        fact_row("electricity_usd_per_kwh", 0.36),
        fact_row("hardware_usd", 3600.0),
        fact_row("hardware_lifetime_s", 3.6e7),
        fact_row("hardware_utilisation_share", 0.5),
        fact_row("hardware_share", 1.0),
        fact_row("hardware_embodied_gco2e", 720_000.0, low=360_000.0, high=1_080_000.0, basis="estimated"),
        fact_row("grid_gco2e_per_kwh", 400.0, low=300.0, high=500.0, basis="estimated", source="a table"),
    ]
    return [replace(fact, trial_id=trial_id) for fact in facts]
