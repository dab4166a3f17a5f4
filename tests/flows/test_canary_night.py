"""The canary of a night: asked once, never counted as an attempt, within the budget, shown by its command."""

import json
from pathlib import Path

import pytest

from flows.canaryplan import asked_targets, most_tokens
from probes.fake_endpoint import FakeScript, fake_endpoint
from tests.flows.nights import endpoint, megatoken, night, sql, write_config
from warehouse.canary_questions import questions

QUICK = FakeScript(ttft_s=0.001, itl_s=0.0002)
SET = len(questions())


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory):
    """A night of two targets of one model and one that refuses everybody, gone on with; then one is asked anew."""
    folder = tmp_path_factory.mktemp("canary")
    data = folder / "data"
    with fake_endpoint(QUICK) as one, fake_endpoint(QUICK) as two, fake_endpoint(FakeScript(fault="http-401")) as bad:
        targets = [endpoint("a", one.base_url), endpoint("b", two.base_url), endpoint("bad", bad.base_url)]
        config = write_config(folder, targets, night={"canary": True}, requests=2, warmup_requests=0)
        first = night(data, config)
        sent = len(one.requests)
        run_id = next(line.split()[1].rstrip(":") for line in first.stdout.splitlines() if line.startswith("run "))
        again = night(data, config, "--run-id", run_id)
        sent_again = len(one.requests)
        alone = megatoken(data, "canary", "--config", str(config), "--only", "a")
        yield data, config, first, again, alone, (sent, sent_again, len(one.requests), len(bad.requests))


def test_each_question_is_one_row_and_none_is_an_attempt(nights):
    data, _, first, again, _, sent = nights
    assert first.stderr == again.stderr == ""
    assert sent == (2 + SET, 2 + SET, 2 + 2 * SET, 2 + 3)
    rows = sql(
        data,
        "SELECT target_id, count(*) AS n, count(answer_sha256) AS answers, max(model_group) AS model_group,"
        " sum(prompt_tokens) AS tokens FROM canary_answers WHERE run_id LIKE '%-test-____' GROUP BY ALL ORDER BY ALL",
    )
    assert [(row["target_id"], row["n"], row["answers"]) for row in rows] == [
        ("a", SET, SET),
        ("b", SET, SET),
        ("bad", 3, 0),
    ]
    assert {row["model_group"] for row in rows} == {"fake"}
    assert sql(data, "SELECT count(*) AS n FROM attempts WHERE attempt_id LIKE '%canary%'") == [{"n": 0}]
    assert sql(data, "SELECT max(attempts) AS n FROM trial_metrics") == [{"n": 2}]
    assert not list((data / "spool").iterdir())


def test_what_the_questions_cost_is_spent_and_was_quoted(nights):
    data, _, first, *_ = nights
    ((tokens_in, tokens_out),) = [
        (row["i"], row["o"])
        for row in sql(
            data,
            "SELECT sum(prompt_tokens) AS i, sum(output_tokens) AS o FROM canary_answers"
            " WHERE target_id IN ('a', 'b') AND run_id LIKE '%-test-____'",
        )
    ]
    said = float(next(line for line in first.stdout.splitlines() if line.startswith("run ")).split()[-2])
    assert said > (tokens_in * 1.0 + tokens_out * 2.0) / 1e6
    most_in, most_out = most_tokens()
    (quoted,) = {row["quote_usd_worst"] for row in sql(data, "SELECT quote_usd_worst FROM runs")}
    assert quoted > 3 * (most_in * 1.0 + most_out * 2.0) / 1e6


def test_the_command_shows_verdicts_then_one_target_and_its_twin(nights):
    data, _, _, _, alone, _ = nights
    assert alone.returncode == 0, alone.stderr
    assert f"{SET} questions to each of 1 targets" in alone.stdout
    assert f"canary: {SET} answers of 1 targets" in alone.stdout
    table = megatoken(data, "canary").stdout
    assert "bad: only 0 of 3 questions were answered (auth)" in table
    one = json.loads(megatoken(data, "canary", "a", "--json").stdout)
    assert [row["verdict"] for row in one["nights"]] == ["same", "unknown"]
    assert one["changed_answers"] == []
    shown = megatoken(data, "canary", "b")
    assert shown.returncode == 0
    assert "thought to serve one model" in shown.stdout
    assert f"{SET}/{SET}" in shown.stdout


def test_mistakes_are_said_in_a_sentence(nights):
    data, config, *_ = nights
    unknown = megatoken(data, "canary", "nobody")
    assert (unknown.returncode, unknown.stderr) == (2, "megatoken: nobody has no canary; there are a, b, bad\n")
    assert "--only goes with --config" in megatoken(data, "canary", "--only", "a").stderr
    assert "name a target by --only a" in megatoken(data, "canary", "a", "--config", str(config)).stderr


def test_beyond_the_budget_nobody_is_asked_and_the_night_says_so(tmp_path: Path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as server:
        targets = [endpoint("a", server.base_url)]
        config = write_config(tmp_path, targets, night={"canary": True}, requests=2, warmup_requests=0, max_usd=0.002)
        left = data / "spool" / "earlier.a.canary"
        left.mkdir(parents=True)
        (left / "canary.json").write_text("{}")
        done = night(data, config)
        assert len(server.requests) == 2
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "a was not asked the canary's questions" in said
    assert "pass max_usd = 0.002" in said
    assert not left.exists()  # a killed canary is asked again, never landed as a trial


def test_landed_canaries_are_told_by_their_batches():
    landed = ["r1.a.canary", "r1.b.w.1", "r1.plan", "r2.c.canary", "r1.d-e.canary"]
    assert asked_targets("r1", landed) == {"a", "d-e"}
