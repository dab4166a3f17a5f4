-- Purpose: which run of the orchestrator a run was, so that a page leads to its logs, and when the next one was due.

ALTER TABLE runs ADD COLUMN flow_run_id VARCHAR;
ALTER TABLE runs ADD COLUMN flow_run_url VARCHAR;
ALTER TABLE runs ADD COLUMN next_run_at TIMESTAMPTZ;
COMMENT ON COLUMN runs.flow_run_id IS 'The flow run of Prefect that measured it; NULL if none did, and in what landed before.';
COMMENT ON COLUMN runs.flow_run_url IS 'Where the page of that flow run is; NULL if its server ended with the run.';
COMMENT ON COLUMN runs.next_run_at IS 'UTC instant at which the next run of the same deployment was scheduled when this one began; NULL if none was.';
