-- Purpose: what kind of run a run is. Added in schema 4.

ALTER TABLE runs ADD COLUMN run_kind VARCHAR;
COMMENT ON COLUMN runs.run_kind IS 'night, bench (ad hoc) or pulse (a few attempts between nights); NULL in what landed before: see the view ad_hoc_runs.';
COMMENT ON COLUMN run_ends.state IS 'completed, failed_targets, stopped_at_budget, aborted, or skipped (a pulse that found the machine taken).';
