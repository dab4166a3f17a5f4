"""A night with a real engine on real weights."""

import json
import socket
import subprocess
import time
from pathlib import Path

import duckdb
import pytest

from flows.idle import QUIET_CPU_SHARE
from tests.flows.nights import ROOT, command, environment, megatoken, sql

SITE = """
[night]
name = "local"
max_usd = 0.05
idle_baseline_s = 1.0

[site]
zone = "DEU"
pue = { low = 1.0, central = 1.1, high = 1.6 }
electricity_usd_per_kwh = 0.3

[site.hardware]
price_usd = { low = 500, central = 800, high = 1500 }
lifetime_years = 4.0
utilisation_share = 0.5
embodied_kgco2e = { low = 335, central = 410, high = 570 }
share = 1.0

[[workloads]]
id = "w"
arrivals = "closed"
concurrency = 2
requests = 4
warmup_requests = 1
prompt_tokens = 40
output_tokens = 8
"""


def target(name: str, port: int = 0) -> str:
    return f"""
[[targets]]
kind = "local"
id = "{name}"
engine = "llama.cpp"
model = "smollm2-135m-instruct"
quantisation = "Q4_1"
device = "cpu"
threads = 1
slots = 2
context_tokens = 512
port = {port}
"""


def stage(data: Path) -> str:
    """How far a second night has come."""
    if len(list((data / "landing").glob("date=*/*/attempts.parquet"))) > 1:
        return "landed"
    return "measuring" if any((data / "spool").iterdir()) else "begun"


@pytest.mark.engine
@pytest.mark.slow
def test_a_real_engine_is_served_loaded_metered_priced_and_accounted_while_others_read(tmp_path):
    data, config = tmp_path / "data", tmp_path / "local.toml"
    config.write_text(SITE + target("real"))
    first = megatoken(data, "night", str(config), "--no-prefect")
    assert first.returncode == 0, first.stdout + first.stderr
    link = data / "published" / "megatoken.duckdb"
    # a second night runs while a person holds the snapshot open and another asks: as it begins, as its trial is under
    # way, and then, as it loads and publishes, again and again
    second = subprocess.Popen(
        command("night", str(config), "--no-prefect"),
        cwd=ROOT, env=environment(data), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    with duckdb.connect(str(link.resolve()), read_only=True) as held:
        asked: list[str] = []
        while second.poll() is None:
            assert held.execute("SELECT count(*) FROM leaderboard").fetchall() == [(1,)]
            if (now := stage(data)) == "landed" or now not in asked:
                other = megatoken(data, "sql", "--json", "SELECT target_id FROM leaderboard")  # a process of its own
                assert json.loads(other.stdout) == [{"target_id": "real"}], other.stderr
                asked.append(now)
            time.sleep(0.2)
        assert len(asked) > 1
    output, _ = second.communicate()
    assert second.returncode == 0, output
    (row,) = json.loads(megatoken(data, "leaderboard", "--json").stdout)
    for figure in (
        "usd_per_output_mtok",
        "j_per_output_token",
        "operational_gco2e_per_output_mtok",
        "embodied_gco2e_per_output_mtok",
    ):
        assert 0 < row[f"{figure}_low"] <= row[figure] <= row[f"{figure}_high"]
    assert row["n"] == 4
    assert row["failed_share"] == 0
    (tokens,) = sql(data, "SELECT DISTINCT output_tokens FROM attempts WHERE phase = 'measured'")
    assert tokens == {"output_tokens": 8}
    phases = sql(data, "SELECT DISTINCT phase FROM power_samples ORDER BY phase")
    assert [p["phase"] for p in phases] == ["idle", "load", "warmup"]
    assert sql(data, "SELECT count(*) AS n FROM trials") == [{"n": 2}]
    # the second night met the first one's idle baseline, a minute old, and took none of its own, unless that had been
    # taken while others kept this machine busy
    baselines = sql(
        data,
        "SELECT t.trial_id, t.idle_trial_id, n.idle_window_s, n.active_j, n.error_bound_j,"
        " count(*) FILTER (s.phase = 'idle') AS idle_readings,"
        " avg(s.load_share) FILTER (s.phase = 'idle') AS idle_load FROM trials AS t"
        " INNER JOIN energy AS n USING (trial_id) INNER JOIN power_samples AS s USING (trial_id)"
        " GROUP BY ALL ORDER BY t.trial_id",
    )
    (one, two) = baselines
    quiet = one["idle_load"] <= QUIET_CPU_SHARE
    assert (one["idle_trial_id"], two["idle_trial_id"]) == (None, one["trial_id"] if quiet else None)
    assert (one["idle_readings"] > 0, two["idle_readings"] > 0) == (True, not quiet)
    assert min(one["idle_window_s"], two["idle_window_s"]) > 0.8
    assert one["active_j"] is not None
    assert two["active_j"] is not None
    assert one["error_bound_j"] > 0
    # each attempt has its share, and with the overhead the shares are the whole
    (sums,) = sql(
        data,
        "SELECT count(*) AS n, sum(a.energy_j + a.overhead_j) / sum(DISTINCT n.energy_j) AS whole,"
        " min(a.energy_j_low) AS least FROM attempt_accounts AS a INNER JOIN energy AS n USING (trial_id)"
        " WHERE trial_id = (SELECT max_by(trial_id, started_at) FROM trials)",
    )
    assert sums["n"] == 4
    assert abs(sums["whole"] - 1) < 1e-9
    assert sums["least"] > 0


@pytest.mark.engine
def test_a_taken_port_costs_that_target_only_and_is_named(tmp_path):
    data, config = tmp_path / "data", tmp_path / "local.toml"
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        config.write_text(SITE + target("blocked", port))
        done = megatoken(data, "night", str(config), "--no-prefect")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    (trial,) = sql(data, "SELECT status, status_reason FROM trials")
    assert trial["status"] == "setup_failed"
    assert str(port) in trial["status_reason"]
