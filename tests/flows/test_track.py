"""`megatoken track`: real commands under real meters, what lands of them, and what a killed track leaves behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.cli import main
from flows.track import JobSpec, job_folder, job_rows, jobs_root, land_left_over_jobs
from tests.flows.nights import ROOT, command, environment, megatoken
from tests.warehouse.begun import begun
from tests.warehouse.snapshots import run_query
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.rows import JobRow, MeterRow, PowerSampleRow

CONFIG = "flows/configs/first-night.toml"
SECRET = "--api-key=sEcReT123"
# Busy for half a second of CPU time, then says something, and ends as it was told.
BUSY = "import sys, time\nwhile time.process_time() < 0.5: pass\nprint('done')\nsys.exit(3)"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    data = tmp_path_factory.mktemp("track") / "data"
    done = megatoken(
        data, "track", "--config", CONFIG, "--idle", "0.5", "--label", "half a second", "--unit", "training_token",
        "--units", "2e6", "--json", "--", sys.executable, "-c", BUSY, SECRET,
    )  # fmt: skip
    return data, done


def test_the_output_and_the_exit_code_are_the_commands_and_the_account_comes_after(tracked):
    _, done = tracked
    assert done.returncode == 3
    said, account = done.stdout.splitlines()
    assert said == "done"
    assert json.loads(account)["label"] == "half a second"
    assert done.stderr == ""


def test_the_account_is_that_of_the_window_and_of_the_declared_site(tracked):
    data, done = tracked
    account = json.loads(done.stdout.splitlines()[-1])
    assert account["exit_code"] == 3
    assert account["window_s"] > 0.5
    assert account["cpu_s"] > 0.5
    assert 0 < account["own_cpu_share"] <= 1
    parts = {part["component"]: part["energy_j"] for part in account["components"]}
    assert account["energy_j"] == pytest.approx(sum(parts.values()))
    assert account["idle_j"] + account["active_j"] == pytest.approx(account["energy_j"])
    assert account["own_active_j"] == pytest.approx(account["active_j"] - account["others_active_j"])
    facts = {
        row["quantity"]: row["central"]
        for row in sql(data, "SELECT quantity, central FROM trial_facts WHERE trial_id LIKE 'job-%'")
    }
    assert account["operational_gco2e"] == pytest.approx(
        account["energy_j"] / 3.6e6 * facts["pue"] * facts["grid_gco2e_per_kwh"]
    )
    assert account["sci_gco2e"] == pytest.approx(account["total_gco2e"] / 2e6)
    assert account["operational_gco2e_low"] < account["operational_gco2e"] < account["operational_gco2e_high"]
    assert account["reason"] is None


def test_what_lands_names_the_program_and_never_its_arguments(tracked):
    data, _ = tracked
    (job,) = sql(data, "SELECT program, label, exit_code, functional_units FROM jobs")
    assert job == {
        "program": Path(sys.executable).name, "label": "half a second", "exit_code": 3, "functional_units": 2e6,
    }  # fmt: skip
    assert list(jobs_root(data).iterdir()) == []
    for path in data.rglob("*"):
        assert not path.is_file() or b"sEcReT123" not in path.read_bytes(), path


def test_without_a_config_energy_is_metered_and_the_rest_is_unknown_in_one_sentence(tmp_path):
    done = megatoken(tmp_path / "data", "track", "--no-land", "--", "sleep", "0.3")
    assert done.returncode == 0
    figures = {words[0]: words[1] for line in done.stderr.splitlines() if len(words := line.split()) > 1}
    assert float(figures["energy"]) > 0
    assert (figures["operational"], figures["embodied"], figures["cost"]) == ("unknown",) * 3
    text = " ".join(done.stderr.split())
    assert "emissions and cost are unknown: --config names a file whose [site] says where" in text
    assert "--idle 30 would tell idle from active energy" in text
    assert not (tmp_path / "data").exists()


def test_a_signal_to_us_ends_the_command_and_what_was_metered_lands(tmp_path):
    data = tmp_path / "data"
    process = start(data, sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)")
    assert process.stdout.readline() == "ready\n"
    (folder,) = jobs_root(data).iterdir()
    wait_until(lambda: (folder / "power.jsonl").read_text().count('"load"') > 10)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "ended by signal 15" in said
    (job,) = sql(data, "SELECT exit_code, energy_j FROM job_accounts")
    assert job["exit_code"] == -signal.SIGTERM
    assert job["energy_j"] > 0


def test_of_a_track_that_was_killed_the_next_one_lands_what_was_metered(tmp_path):
    data = tmp_path / "data"
    process = start(data, sys.executable, "-c", "import os; print(os.getpid(), flush=True); input()")
    child = int(process.stdout.readline())
    (folder,) = jobs_root(data).iterdir()
    wait_until(lambda: (folder / "power.jsonl").read_text().count('"load"') > 10)
    ours = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert land_left_over_jobs(data) == []  # it is not left over yet
    process.kill()
    process.communicate(timeout=60)
    _, alive = psutil.wait_procs(ours, timeout=60)
    assert [one.pid for one in alive] in ([], [child])  # the sampler has seen it; the command ends with its input
    assert land_left_over_jobs(data) == [folder.name]
    assert land_left_over_jobs(data) == []
    load(begun(data))
    publish(data)
    (job,) = sql(data, "SELECT exit_code, window_s, energy_j, cpu_s FROM job_accounts")
    assert (job["exit_code"], job["cpu_s"]) == (None, None)
    assert job["window_s"] > 0.5
    assert job["energy_j"] > 0


def test_of_a_job_that_was_killed_before_it_was_metered_only_its_start_is_known(tmp_path):
    from datetime import UTC, datetime

    at = datetime(2026, 11, 1, tzinfo=UTC)
    spec = JobSpec(
        job_id="job-1", label="x", program="x", started_at=at, clock_offset_start_ns=0, functional_unit=None,
        functional_units=None, facts=(),
    )  # fmt: skip
    with job_folder(tmp_path, spec) as folder:
        assert land_left_over_jobs(tmp_path) == []  # somebody holds it
        rows = job_rows(folder)
    (job,) = (row for row in rows if isinstance(row, JobRow))
    assert (job.started_at, job.ended_at, job.window_start_ns, job.exit_code) == (at, at, None, None)
    assert not any(isinstance(row, MeterRow | PowerSampleRow) for row in rows)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 2, "no command to track; for example"),
        (("--", "no-such-program"), 127, "'no-such-program' is no program in PATH"),
        (("--", "./README.md"), 126, "'./README.md' is not executable"),
        (("--units", "3", "--", "true"), 2, "--unit and --units go together"),
        (("--unit", "t", "--units", "0", "--", "true"), 2, "--units 0 must be > 0"),
        (("--idle", "-1", "--", "true"), 2, "--idle -1 must be between 0 and 600"),
        (("--config", "none.toml", "--", "true"), 2, "none.toml: no such file"),
    ],
)
def test_a_mistake_is_one_sentence_and_meters_nothing(arguments, code, sentence, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["track", "--data", str(tmp_path / "data"), *arguments]) == code
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_program_whose_interpreter_is_not_there_is_126_and_lands_nothing(tmp_path, capsys):
    program = tmp_path / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    assert main(["track", "--data", str(tmp_path / "data"), "--", str(program)]) == 126
    assert "cannot be run: No such file or directory" in capsys.readouterr().err
    assert list(jobs_root(tmp_path / "data").iterdir()) == []


def test_a_config_without_a_site_says_so(tmp_path, capsys):
    config = tmp_path / "night.toml"
    config.write_text(
        '[night]\nname = "a"\nmax_usd = 1\n[[targets]]\nkind = "endpoint"\nid = "a"\nprovider = "p"\nmodel = "m"\n'
        'base_url = "http://127.0.0.1:1"\napi = "openai-chat"\n[[workloads]]\nid = "w"\narrivals = "closed"\n'
        "concurrency = 1\nrequests = 1\nprompt_tokens = 8\noutput_tokens = 8\n"
    )
    assert main(["track", "--config", str(config), "--data", str(tmp_path / "data"), "--", "true"]) == 2
    assert "night.toml has no [site] table" in capsys.readouterr().err


def sql(data, query):
    """Rows of the published snapshot, asked in this process."""
    columns, rows = run_query(data, query)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def start(data, *argv):
    return subprocess.Popen(
        command("track", "--", *argv), cwd=ROOT, env=environment(data), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_until(true, timeout_s=60.0):
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, "it did not come to pass"
        time.sleep(0.02)
