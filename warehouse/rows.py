"""The rows that land: what a night writes down before anything is derived from it.

One dataclass is one landing table. Field order and types are the Parquet schema and the columns of the table of the
same name in `migrations/`; a test holds the three together. Clock readings are raw: `*_ns` is this host's monotonic
clock (CLOCK_MONOTONIC, nanoseconds), `*_at` is UTC. `None` is unknown and is never written as 0.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

TrialStatus = Literal["completed", "timed_out", "aborted", "crashed", "setup_failed"]
RunState = Literal["completed", "failed_targets", "stopped_at_budget", "aborted", "skipped"]
RunKind = Literal["night", "bench", "pulse"]
Basis = Literal["measured", "modelled", "estimated", "declared"]
Arrivals = Literal[
    "closed", "constant", "poisson", "gamma", "linear-ramp", "exponential-ramp", "piecewise", "trace"
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One config executed once: a night, an ad hoc bench, a pulse between nights. Table `runs`."""

    run_id: str
    started_at: datetime
    config_name: str
    config_sha256: str
    config_toml: str | None  # the text as read; keys are named in it, never held
    host_id: str
    megatoken_version: str
    quote_usd_worst: float | None  # the worst case quoted before the run; None if a price is unknown
    max_usd: float | None
    # since schema 4; None in what landed before
    run_kind: RunKind | None = None
    # the orchestrator's: NULL for a run without one, and in what landed before
    flow_run_id: str | None = None
    flow_run_url: str | None = None  # None if its server ended with the run
    next_run_at: datetime | None = None  # when it had scheduled the next run, as it knew at the start of this one


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrialRow:
    """One cell of a run: a target under a workload, and why it was not measured, if so. Table `planned_trials`."""

    run_id: str
    target_id: str
    workload_id: str
    planned_requests: int
    quote_usd_worst: float | None
    skip_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEndRow:
    """How a run (or a re-run of the same run_id) ended. Table `run_ends`."""

    run_id: str
    ended_at: datetime
    state: RunState
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One target under one workload, once, and the machine and client it was measured by. Table `trials`."""

    trial_id: str  # RUN.TARGET.WORKLOAD.TRY
    run_id: str
    target_id: str
    workload_id: str
    try_number: int
    status: TrialStatus
    status_reason: str | None
    started_at: datetime
    ended_at: datetime
    # the measured window: from the first measured send to the last byte of the last measured attempt
    window_start_ns: int | None
    window_end_ns: int | None
    clock_offset_start_ns: int | None  # CLOCK_REALTIME - CLOCK_MONOTONIC at the start of the trial
    clock_offset_end_ns: int | None  # and at its end; a difference is a step or drift of the wall clock
    # target
    kind: Literal["endpoint", "local"]
    provider: str
    model: str
    quantisation: str | None
    weights_sha256: str | None
    weights_note: str | None  # e.g. that Q8_0 was made from Q4_1 and has its quality
    base_url: str | None
    api: str
    region: str | None  # where the endpoint says it runs
    engine: str | None
    engine_version: str | None
    device: Literal["cpu", "cuda"] | None
    threads: int | None
    slots: int | None
    engine_ready_s: float | None  # engine start to ready
    # workload
    arrivals: Arrivals
    concurrency: int | None  # closed loop: requests kept in flight
    rate_rps: float | None  # open loop: planned rate
    requests_planned: int | None  # None when the trial was to last for a time, not for a count
    prompt_tokens_asked: int
    output_tokens_asked: int
    slo_ttft_s: float
    slo_tpot_s: float
    seed: int
    # the client's own evidence
    stamp_source: Literal["kernel", "read"] | None
    client_cpu_s: float | None
    engine_cpu_s: float | None
    cpu_share_others: float | None  # share of the machine's CPU taken by processes that are not ours, in the window
    load_average_1m: float | None
    # host
    host_id: str
    cpu_model: str
    cpu_threads: int
    ram_bytes: int
    gpu_models: str | None  # comma-separated; None when there is no NVML device
    os: str
    python_version: str
    megatoken_version: str
    # since schema 2; None in what landed before, and wherever it is not known
    group_id: str | None = None  # trials measured by one client with interleaved attempts share it
    search_id: str | None = None  # the sweep or SLO search that this trial is a point of
    search_point: int | None = None  # order of the point in its search, from 0
    repeat_number: int | None = None  # first measurement of the cell in its run is 1
    burstiness: float | None = None  # gamma arrivals: shape of the gaps; 1 is Poisson, below 1 comes in bursts
    rate_end_rps: float | None = None  # ramps: planned rate at the end
    trace_name: str | None = None  # replayed trace or file of rates
    trace_sha256: str | None = None
    client_processes: int | None = None
    loop_busy_share: float | None = None  # of the load loop's time, not spent waiting; the busiest process's
    receive_lag_p99_ns: int | None = None  # from the kernel's stamp to our read
    receive_lag_max_ns: int | None = None
    suspended_ns: int | None = None  # the longest time for which the client did not run although it wanted to
    clock_step_ns: int | None = None  # largest jump of CLOCK_REALTIME against CLOCK_MONOTONIC in the trial, signed
    sends_planned: int | None = None  # open loop: sends due inside the window
    sends_missed: int | None = None  # of them, not made, or over 50 ms late
    client_rss_bytes: int | None = None  # peak of the load client
    selftest_at: datetime | None = None  # loopback self-test at the planned load
    selftest_streams: int | None = None
    selftest_ttft_error_p99_ns: int | None = None
    selftest_tpot_error_p99_ns: int | None = None
    selftest_concurrency_share: float | None = None  # reached / asked
    steady_start_ns: int | None = None  # from when all slots were busy
    steady_end_ns: int | None = None  # to the last send
    steady_output_tokens: float | None = None  # whose arrival lies between the two
    # since schema 3
    idle_trial_id: str | None = None  # whose idle baseline stands for this trial's, if it took none of its own
    # since schema 5
    held_back_ns: int | None = None  # a closed loop's waiting under the limits that its target names
    # since schema 6
    prompt_text: str | None = None  # which text prompts were cut from; None where they are a file's
    prompt_nonce: bool | None = None  # whether each began with something that no other had
    shared_prefix_share: float | None = None  # of each prompt, the same for all of the trial
    prompt_lengths: str | None = None  # the distribution that they were drawn from; None: all the same, or recorded
    output_lengths: str | None = None
    prompt_tokens_asked_max: int | None = None  # the longest prompt that could come
    output_tokens_asked_max: int | None = None
    tokenizer: str | None = None  # how prompts were counted: 'usage', 'server' or the name of a file
    prompts_name: str | None = None  # file of prompts
    prompts_sha256: str | None = None
    conversation_turns: int | None = None  # the most of a conversation; None: each request stood alone
    think_times: str | None = None  # from the end of an answer to the next turn, a distribution of seconds
    conversation_history: str | None = None  # what later turns repeated: 'answers' of the target, or 'recorded' ones
    prompt_images: int | None = None  # a request
    image_size: str | None = None  # such as 512x512
    prompt_documents: int | None = None  # a request
    document_tokens_asked: int | None = None  # of each
    prompt_audio_s: float | None = None  # a request
    name_lookup_ns: int | None = None  # the resolver's answer to the target's name


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRow:
    """One search over rates or concurrencies, whose points are trials. Table `searches`."""

    search_id: str
    run_id: str
    target_id: str
    workload_id: str
    kind: Literal["slo", "sweep"]
    started_at: datetime
    ended_at: datetime
    points: int
    slo_ttft_s: float
    slo_tpot_s: float
    slo_percentile: int
    found_rate_rps_low: float | None  # the highest rate that met the service level at every repeat
    found_rate_rps: float | None  # the answer; None when none was found
    found_rate_rps_high: float | None  # the lowest that did not
    reason: str  # one sentence: why it ended there


# Not frozen: there is one for every attempt, and the fields of a frozen one take four times as long to set.
@dataclass(slots=True, kw_only=True)
class AttemptRow:
    """One request of a trial, successful or not. Table `attempts`. Time points: reference is the client's own clock.

    A time point that never came is None: `t_first_ns` of an attempt that failed before its first token, for example.
    """

    attempt_id: str  # TRIAL.SEQ; also sent as X-Request-Id
    trial_id: str
    seq: int
    phase: Literal["warmup", "measured", "lost"]  # lost: never arrived, and was sent again; counts in nothing
    retry_of: str | None
    started_at: datetime | None  # UTC of t_start_ns
    t_sched_ns: int | None  # planned send; None in a closed loop
    t_start_ns: int | None  # the instant before the send call
    t_conn_ns: int | None  # connection ready, when this attempt had to wait for one; None on a reused connection
    t_sent_ns: int | None  # last request byte handed to the kernel
    t_byte_ns: int | None  # first response body byte
    t_first_ns: int | None  # first generated payload of any kind
    t_visible_ns: int | None  # first payload that is not reasoning
    t_last_ns: int | None  # last payload
    t_end_ns: int | None  # response complete, or the failure
    stamp_source: Literal["kernel", "read"] | None
    connection_reused: bool | None
    http_status: int | None
    error_class: str | None  # None is success; else a class of the taxonomy in probes/load/errors.py
    error_message: str | None
    finish_reason: str | None
    response_bytes: int | None
    reads: int | None  # socket reads that brought body bytes
    chunks: int | None  # payload events
    coalesced_chunks: int | None  # payload events that shared a read with an earlier one: their time is the read's
    chunk_gap_p50_ns: int | None
    chunk_gap_p95_ns: int | None
    chunk_gap_p99_ns: int | None
    chunk_gap_max_ns: int | None
    prompt_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None  # all generated, hidden reasoning included: for money and energy
    reasoning_tokens: int | None
    streamed_tokens: int | None  # the divisor of decode speed
    token_source: str | None  # 'server', or 'local:<tokenizer>'
    model_returned: str | None
    system_fingerprint: str | None
    # since schema 2; None in what landed before
    pair_id: str | None = None  # attempts of a group sent in one round share it
    prompt_tokens_asked: int | None = None  # of this request: a trace gives each its own
    output_tokens_asked: int | None = None
    t_choice_ns: int | None = None  # first event with a choice in it, payload or not
    qoe_share: float | None = None  # tokens delivered against the expected timeline, 0 to 1
    # since schema 4
    cache_write_tokens: int | None = None  # of the prompt, written to a cache
    # since schema 5
    answer_streamed: bool | None = None  # whether the answer came as a stream; False has no first token
    usage_fault: str | None = None  # what the server counted and what cannot be
    service_tier: str | None = None  # as the server named it
    billed_usd: float | None = None  # what the server says that it charges
    server_load_s: float | None = None  # loading the model, by the server's own clock
    server_queue_s: float | None = None  # waiting in its queue
    server_prefill_s: float | None = None  # reading the prompt
    server_decode_s: float | None = None  # writing the answer
    input_items: int | None = None  # texts embedded, documents ranked
    input_audio_s: float | None = None  # sound that was transcribed
    output_audio_s: float | None = None  # sound that was made
    output_images: int | None = None  # pictures that were made
    retry_after_s: float | None = None  # how long the server asked to wait
    limit_requests: int | None = None  # of the rate limit, as its headers say
    remaining_requests: int | None = None
    requests_reset_s: float | None = None  # until they are whole again
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    tokens_reset_s: float | None = None
    content_encoding: str | None = None  # how the answer was compressed although none was asked for
    # since schema 6
    conversation_id: str | None = None  # attempts that are turns of one conversation share it
    turn_number: int | None = None  # of that conversation, from 1
    search_units: int | None = None  # what a rerank is billed by, as the server counts them


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """What a failed attempt sent and got back, without secrets. Table `exchanges`; `megatoken replay` shows it."""

    attempt_id: str
    trial_id: str
    started_at: datetime | None
    error_class: str | None  # None where only the counts are implausible
    error_message: str | None
    usage_fault: str | None
    url: str
    api: str
    api_key_env: str | None  # name of a variable, never a key
    request_head: str  # *** for the value of every header that may be a secret
    request_body: bytes | None
    request_bytes: int | None
    http_status: int | None
    response_head: str
    response_body: bytes | None  # first and last 64 KiB of a long one
    response_bytes: int | None  # its true length


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRow:
    """One meter that watched a trial. Table `meters`."""

    trial_id: str
    meter: str  # e.g. 'nvml:0', 'rapl:package-0', 'modelled:cpu'
    component: Literal["cpu", "ram", "gpu", "machine"]
    basis: Basis
    method: str  # e.g. 'nvml-energy-counter', 'powercap-energy-counter', 'tdp-load-curve'
    device: str
    source: str  # what the method rests on: the driver's counter, a data file and its version, a formula's paper
    valid: bool
    invalid_reason: str | None
    # since schema 3
    resolution_s: float | None = None  # how long a reading may be older than its instant; None: not known
    power_w_max: float | None = None  # the most that the device can draw, such as its enforced limit


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSampleRow:
    """One reading of one meter. Table `power_samples`.

    A counter fills `energy_j` (cumulative, unwrapped), a power meter fills `power_w`; a model also fills its range.
    """

    trial_id: str
    meter: str
    phase: Literal["idle", "warmup", "load"]
    t_ns: int
    energy_j: float | None
    power_w_low: float | None
    power_w: float | None
    power_w_high: float | None
    load_share: float | None  # of the device, 0 to 1, where the meter reports one


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """One dated fact that the account of a trial or job rests on, as it stood at the time. Table `trial_facts`.

    A fact that was taken from a ledger says which row of it, so that history can be derived again under today's row.

    Quantities: price_usd_per_input_mtok, price_usd_per_cached_input_mtok, price_usd_per_output_mtok, since schema 4
    also price_usd_per_cache_write_mtok, price_usd_per_1k_requests and, for all tokens of a request with a prompt of
    more than N tokens, price_above_N_usd_per_input_mtok and so on; electricity_mean_usd_per_kwh (of a week, beside a
    tariff by the hour);
    electricity_usd_per_kwh, hardware_usd, hardware_rent_usd_per_h, hardware_lifetime_s, hardware_utilisation_share,
    hardware_embodied_gco2e, hardware_share (of the machine that the target reserves), pue, grid_gco2e_per_kwh,
    endpoint_j_per_output_token, endpoint_embodied_gco2e_per_output_mtok; since schema 3 also market_covered_share,
    market_contract_gco2e_per_kwh, market_residual_gco2e_per_kwh, wue_site_l_per_kwh, wue_grid_l_per_kwh,
    grid_adpe_kgsbeq_per_kwh, grid_primary_mj_per_kwh, and, made with the hardware, hardware_adpe_kgsbeq and
    hardware_primary_mj.
    """

    trial_id: str
    quantity: str
    low: float | None
    central: float
    high: float | None
    basis: Basis
    valid_from: str | None  # ISO date from which the source says it holds
    source: str
    # since schema 3
    ledger: str | None = None  # e.g. 'grid_intensity'; None: declared, or of no ledger
    ledger_key: str | None = None  # e.g. 'FRA'
    factor_version: str | None = None  # of the row of the ledger, see table `factors`


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One command that was metered, such as a training run. Table `jobs`; its meters and facts have its id as trial_id.

    The command line is not kept: it may hold keys. `label` is what the user calls it.
    """

    job_id: str
    label: str
    program: str  # file name of the program alone
    exit_code: int | None  # None: it was killed before it could say; negative: the signal that ended it
    started_at: datetime
    ended_at: datetime
    window_start_ns: int | None
    window_end_ns: int | None
    clock_offset_start_ns: int | None  # CLOCK_REALTIME - CLOCK_MONOTONIC at its start
    cpu_s: float | None  # of the command and its children
    cpu_busy_s: float | None  # of the whole machine in the window: with cpu_s it says whose the active energy is
    peak_rss_bytes: int | None
    functional_unit: str | None  # what is counted, e.g. 'training_token'
    functional_units: float | None  # how many of them the job made
    host_id: str
    cpu_model: str
    cpu_threads: int
    ram_bytes: int
    gpu_models: str | None
    os: str
    python_version: str
    megatoken_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridHourRow:
    """Intensity of a grid in one hour, as somebody published it. Table `grid_hours`; a revision is a later row."""

    zone: str
    hour_at: datetime  # start of the hour, UTC
    signal: Literal["average", "marginal"]
    gco2e_per_kwh: float
    source: str  # provider or file
    retrieved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffHourRow:
    """What a kWh costs in one hour at the site of a run. Table `tariff_hours`; since schema 6."""

    run_id: str
    hour_at: datetime  # start of the hour, UTC
    usd_per_kwh: float
    tariff_name: str  # of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryAnswerRow:
    """One fixed question to one target, once a run, whose answer tells what serves it. Table `canary_answers`.

    No attempt: it counts in no figure of speed, cost or carbon. What was declared of the target stands beside it,
    since a night whose trials were all skipped has no other row of it.
    """

    run_id: str
    target_id: str
    question_id: str
    question_sha256: str  # of the text and the room for its answer: answers are compared only where it is the same
    kind: str  # e.g. 'arithmetic', 'free', 'tokenizer'
    # what was declared
    target_kind: Literal["endpoint", "local"]
    provider: str
    model: str
    model_group: str  # targets that share it are thought to serve the same model
    quantisation: str | None
    weights_sha256: str | None
    base_url: str | None  # of an endpoint
    engine_version: str | None
    # what was asked and said
    sampling: str  # e.g. 'temperature 0, seed 7'
    asked_at: datetime
    ended_at: datetime
    answer_text: str | None  # its first 500 characters; None if there is no answer
    answer_sha256: str | None  # of the whole text
    is_right: bool | None  # None: there is no answer, or none that would be right
    prompt_tokens: int | None
    output_tokens: int | None
    finish_reason: str | None
    model_returned: str | None
    system_fingerprint: str | None
    error_class: str | None  # None is success
    error_message: str | None
    host_id: str
    megatoken_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCheckRow:
    """One capability check of one target. Table `endpoint_checks`; no attempt: it counts in no figure."""

    check_id: str
    target_id: str
    target_kind: Literal["endpoint", "local"]
    provider: str
    model: str
    api: str
    base_url: str | None  # of an endpoint
    started_at: datetime
    ended_at: datetime
    is_answered: bool  # the plain request was
    advice: str | None  # what is wrong and what to set; None where nothing is
    required_findings: int  # applicable requirements of its standards
    conforming_findings: int  # of them, met; what is unknown is not
    calls: int
    prompt_tokens: int | None  # of all calls, as the server counted them
    output_tokens: int | None
    quote_usd_worst: float | None  # None if a price is unknown
    connect_p50_s: float | None  # TCP
    tls_version: str | None  # None without TLS
    tls_cipher: str | None
    certificate_issuer: str | None
    certificate_expires_at: datetime | None
    http_version: str | None
    engine_version: str | None  # of an engine of ours
    host_id: str
    megatoken_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFindingRow:
    """What a check found out about one question. Table `check_findings`."""

    check_id: str
    finding_id: str
    finding_number: int  # its place in the order in which findings are told
    finding_group: str
    question: str
    verdict: Literal["yes", "no", "deviates", "unknown", "not applicable"]
    evidence: str
    is_required: bool  # by its wire format's standard, or HTTP's
    took_s: float | None


LandingRow = (
    RunRow
    | PlannedTrialRow
    | RunEndRow
    | TrialRow
    | SearchRow
    | AttemptRow
    | ExchangeRow
    | MeterRow
    | PowerSampleRow
    | FactRow
    | JobRow
    | GridHourRow
    | TariffHourRow
    | CanaryAnswerRow
    | EndpointCheckRow
    | CheckFindingRow
)
