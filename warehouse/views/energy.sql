-- Purpose: Energy of each trial with its range: total, idle and active, and joules per output token; the latest accounting.
-- Grain: trial.
CREATE OR REPLACE VIEW energy AS
WITH latest AS (
    SELECT *
    FROM energy_accounts
    INNER JOIN (
        -- a window says the same and takes four times as long over a year
        SELECT trial_id, max(recorded_at) AS recorded_at
        FROM energy_accounts
        GROUP BY trial_id
    ) USING (trial_id, recorded_at)
),

summed AS (
    SELECT
        trial_id,
        count(*) = count(energy_j) AS known,
        sum(energy_j_low) AS energy_j_low,
        sum(energy_j) AS energy_j,
        sum(energy_j_high) AS energy_j_high,
        CASE WHEN count(*) = count(idle_j) THEN sum(idle_j) END AS idle_j,
        CASE WHEN count(*) = count(active_j) THEN sum(active_j) END AS active_j,
        sum(others_active_j) AS others_active_j,
        min(idle_window_s) AS idle_window_s,
        CASE WHEN count(*) = count(error_bound_j) THEN sum(error_bound_j) END AS error_bound_j,
        max(window_s) AS window_s,
        max(basis) AS basis,
        string_agg(DISTINCT component || ': ' || method, ', ' ORDER BY component || ': ' || method) AS method,
        string_agg(DISTINCT missing, '; ') AS reason,
        string_agg(DISTINCT note, '; ') AS note,
        any_value(method_version) AS method_version,
        max(recorded_at) AS recorded_at
    FROM latest
    WHERE in_total
    GROUP BY trial_id
)

SELECT
    m.trial_id,
    m.run_id,
    m.target_id,
    m.workload_id,
    CASE WHEN s.known THEN s.energy_j_low END AS energy_j_low,
    CASE WHEN s.known THEN s.energy_j END AS energy_j,
    CASE WHEN s.known THEN s.energy_j_high END AS energy_j_high,
    CASE WHEN s.known THEN s.idle_j END AS idle_j,
    CASE WHEN s.known THEN s.active_j END AS active_j,
    CASE WHEN s.known THEN s.others_active_j END AS others_active_j,
    CASE WHEN s.known THEN s.error_bound_j END AS error_bound_j,
    s.idle_window_s,
    CASE WHEN s.known THEN s.energy_j / nullif(s.window_s, 0) END AS power_w_mean,
    CASE WHEN s.known THEN s.energy_j_low / nullif(m.output_tokens, 0) END AS j_per_output_token_low,
    CASE WHEN s.known THEN s.energy_j / nullif(m.output_tokens, 0) END AS j_per_output_token,
    CASE WHEN s.known THEN s.energy_j_high / nullif(m.output_tokens, 0) END AS j_per_output_token_high,
    CASE WHEN s.known THEN s.basis::VARCHAR END AS basis,
    CASE
        WHEN s.trial_id IS NULL THEN 'not accounted yet'
        WHEN NOT s.known THEN s.reason
        WHEN m.output_tokens IS NULL THEN 'output tokens are not known'
        WHEN m.output_tokens = 0 THEN 'no output tokens'
    END AS reason,
    s.method,
    s.note,
    s.method_version,
    s.recorded_at
FROM trial_outcomes AS m
LEFT JOIN summed AS s USING (trial_id);

COMMENT ON VIEW energy IS 'Energy of each trial with its range: total, idle and active, and joules per output token; the latest accounting. Grain: trial.';
COMMENT ON COLUMN energy.trial_id IS 'The trial.';
COMMENT ON COLUMN energy.run_id IS 'The run.';
COMMENT ON COLUMN energy.target_id IS 'The target.';
COMMENT ON COLUMN energy.workload_id IS 'The workload.';
COMMENT ON COLUMN energy.energy_j_low IS 'Lower bound of the energy in the window, joules.';
COMMENT ON COLUMN energy.energy_j IS 'Energy in the measured window, all metered components, joules: method names them; without a meter of the whole machine boards, disks, fans and power supplies are not in it. NULL is unknown and reason says why.';
COMMENT ON COLUMN energy.energy_j_high IS 'Upper bound, joules.';
COMMENT ON COLUMN energy.idle_j IS 'Idle power x window, joules; NULL without an idle baseline.';
COMMENT ON COLUMN energy.active_j IS 'energy_j - idle_j, joules.';
COMMENT ON COLUMN energy.others_active_j IS 'Part of active_j that other processes drew at the CPU, by CPU time, joules; it is in active_j and energy_j. NULL if not known.';
COMMENT ON COLUMN energy.error_bound_j IS 'The most by which reading the meters at instants can be wrong, joules; it is within energy_j_low and energy_j_high.';
COMMENT ON COLUMN energy.idle_window_s IS 'How long idle power was metered for, the shortest of the components, seconds; NULL without an idle baseline.';
COMMENT ON COLUMN energy.power_w_mean IS 'energy_j / window, watts; NULL where energy was not metered.';
COMMENT ON COLUMN energy.j_per_output_token_low IS 'Lower bound, joules per output token.';
COMMENT ON COLUMN energy.j_per_output_token IS 'energy_j / output tokens of successful attempts, joules per token; what failed attempts drew is in it.';
COMMENT ON COLUMN energy.j_per_output_token_high IS 'Upper bound, joules per output token.';
COMMENT ON COLUMN energy.basis IS 'Worst label among the inputs: measured, declared, modelled, estimated (best to worst).';
COMMENT ON COLUMN energy.reason IS 'Why a value is NULL.';
COMMENT ON COLUMN energy.method IS 'Component and method of each part.';
COMMENT ON COLUMN energy.note IS 'What a reader should know.';
COMMENT ON COLUMN energy.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN energy.recorded_at IS 'UTC instant of the accounting.';
