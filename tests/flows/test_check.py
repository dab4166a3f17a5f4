"""`megatoken check`: whom it asks, what it says beforehand, what it prints, and what lands."""

import json
import re
import tomllib
from pathlib import Path

import duckdb
import psutil
import pytest

from flows.check import finding_rows
from flows.checked import checked_targets
from flows.cli import main
from probes.capability.asks import worst_case
from probes.capability.finding import QUESTIONS
from probes.capability.probe import check_endpoint
from probes.load.pictures import draw_image
from probes.load.spec import LoadSpec
from tests.flows.test_local_night import SITE, target
from tests.probes.capability.server import KEY, Ways, serving
from warehouse.query import published_path

CONFIG = """
[night]
name = "checked"
max_usd = 0.05

[[targets]]
kind = "endpoint"
id = "mine"
provider = "nobody"
model = "good-model"
base_url = "{base_url}"
api = "openai-chat"
api_key_env = "MEGATOKEN_TEST_KEY"
{price}

[[workloads]]
id = "chat"
arrivals = "closed"
concurrency = 1
requests = 1
prompt_tokens = 16
output_tokens = 8
warmup_requests = 0
"""
PRICE = "price = {{ usd_per_input_mtok = {0}, usd_per_output_mtok = {0} }}"


@pytest.fixture(scope="module")
def served():
    with serving() as server:
        yield server


@pytest.fixture
def server(served, monkeypatch):
    served.ways = Ways(key=KEY)
    monkeypatch.setenv("MEGATOKEN_TEST_KEY", KEY)
    return served


@pytest.fixture
def config(server, tmp_path):
    def write(*, price: str = "") -> str:
        text = CONFIG.format(base_url=server.base_url, price=price)
        tomllib.loads(text)
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return str(path)

    return write


def worst_usd(usd_per_mtok: float) -> float:
    worst = worst_case(generates=True)
    return (worst.prompt_tokens + worst.output_tokens) * usd_per_mtok / 1e6


def check(tmp_path, *words: str) -> int:
    return main(["check", *words, "--data", str(tmp_path / "data")])


def test_a_check_says_its_worst_cost_lands_what_it_found_and_keeps_no_key(config, server, tmp_path, capsys):
    path = config(price=PRICE.format(1.0))
    main(["night", path, "--dry-run", "--data", str(tmp_path / "data")])
    assert "never checked: mine (`megatoken check mine` says what it can do" in capsys.readouterr().out
    assert check(tmp_path, "mine", "--config", path) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"mine: at most {worst_usd(1.0):.3f} USD (24 calls that may be billed, ")
    assert "Conformance: 13 of 13 requirements (100 %)" in said
    assert "does not apply: tls" in said
    assert all(len(line) <= 120 for line in said.splitlines())
    with duckdb.connect(str(published_path(tmp_path / "data")), read_only=True) as con:
        assert con.execute(
            "SELECT target_id, conformance_share, deviations, is_answered, quote_usd_worst < 0.05"
            " FROM latest_checks JOIN endpoint_checks USING (check_id, target_id, is_answered)"
        ).fetchall() == [("mine", 1.0, [], True, True)]
        count = "SELECT count(*), count(DISTINCT finding_number) FROM check_findings"
        assert con.execute(count).fetchall() == [(len(QUESTIONS), len(QUESTIONS))]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert KEY.encode() not in kept
    assert checked_targets(tmp_path / "data") == {"mine"}
    main(["night", path, "--dry-run", "--data", str(tmp_path / "data")])
    assert "never checked" not in capsys.readouterr().out


FILE = 'prompts_file = "shots.jsonl"'
ESTIMATES = "estimates in it, since providers count in ways of their own: "


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", None),
        ("images = { count = 2 }", "2 pictures a request, at most 630 tokens each"),
        (
            "audio_s = 3.0",
            "3 s of sound a request, at most 150 tokens each; answers of openai-transcription, as no field of a request"
            " limits them",
        ),
        (FILE, "3 pictures in 2 of the 3 prompts of shots.jsonl, at most 2,520 tokens each"),
    ],
)
def test_a_worst_case_says_which_of_its_tokens_nobody_can_count_beforehand(more, said, config, tmp_path, capsys):
    path = Path(config(price=PRICE.format(1.0)))
    text = path.read_text().replace("warmup_requests = 0", f"warmup_requests = 0\n{more}")
    if more == FILE:
        for side in (64, 1024):
            (tmp_path / f"{side}.png").write_bytes(draw_image("a", width_px=side, height_px=side).data)
        rows = ({"prompt": "What is it?", "images": images} for images in (["64.png"], [], ["64.png", "1024.png"]))
        (tmp_path / "shots.jsonl").write_text("\n".join(map(json.dumps, rows)))
        text = re.sub(r"(?m)^prompt_tokens = .*\n", "", text)
    path.write_text(text.replace("openai-chat", "openai-transcription") if "audio" in more else text)
    assert main(["night", str(path), "--dry-run", "--data", str(tmp_path / "data")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"(max_usd) {ESTIMATES}{said} never checked: " in printed if said else "estimates" not in printed


def test_without_landing_nothing_is_written_and_json_is_one_object(server, tmp_path, capsys):
    server.ways = Ways(keeps_stop=False)
    words = ("--url", server.base_url, "--model", "good-model", "--no-land", "--json")
    assert check(tmp_path, *words) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["deviations"] == ["stop_sequence"] and told["check_id"] is None
    assert (told["conforming_findings"], told["required_findings"]) == (11, 12)
    assert told["findings"][0] | {"took_s": 0, "evidence": ""} == {
        "finding_id": "name",
        "group": "reach",
        "question": "Does its name resolve?",
        "verdict": "yes",
        "evidence": "",
        "required": False,
        "took_s": 0,
    }
    assert "no price of adhoc/good-model is known" in err
    assert not (tmp_path / "data").exists()


def test_one_that_does_not_answer_ends_with_1_and_has_no_score_but_a_remedy(server, tmp_path, capsys):
    server.ways = Ways()
    bare = server.base_url.removesuffix("/v1")
    assert check(tmp_path, "--url", bare, "--model", "good-model", "--no-land") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Conformance: not known, for it did not answer" in said
    assert f"set base_url to {bare}/v1" in said
    assert "more questions were not asked: it did not answer the plain request" in said


def test_nothing_is_sent_where_it_could_cost_more_than_allowed(config, server, tmp_path, capsys):
    path = config(price=PRICE.format(1000))
    assert check(tmp_path, "mine", "--config", path) == 2
    assert f"a check may cost {worst_usd(1000):.2g} USD, over max_usd = 0.05; raise it" in capsys.readouterr().err
    assert check(tmp_path, "mine", "--config", path, "--max-usd", "1") == 2
    assert "over max_usd = 1" in capsys.readouterr().err
    assert server.ways.asked == []


def test_a_limit_that_cannot_be_kept_for_want_of_a_price_is_refused(config, server, tmp_path, capsys):
    assert check(tmp_path, "mine", "--config", config(), "--max-usd", "1") == 2
    assert "no price of nobody/good-model is known, so --max-usd could not be kept" in capsys.readouterr().err
    assert server.ways.asked == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mime", "--config", "{config}"], "mime is no target of mine.toml; did you mean mine?"),
        (["--config", "{config}"], "name a TARGET of the config, or an endpoint by --url URL --model M"),
        (["mine", "--url", "http://x"], "mine is a target of a config and --url is an endpoint without one; give one"),
        (["--url", "http://x"], "--url needs --model M"),
        (["mine", "--config", "{config}", "--model", "m"], "--model goes with --url"),
        (["--url", "http://x", "--model", "m", "--api", "openai-cat"], 'did you mean "openai-chat"?'),
        (["--url", "http://x", "--model", "m", "--api-key-env", "MEGATOKEN_UNSET"], "MEGATOKEN_UNSET is not set"),
        (["--url", "x", "--model", "m"], "must be an http:// or https:// address"),
        (["mine", "--config", "{config}", "--max-usd", "-1"], "--max-usd -1 must be >= 0"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(config, tmp_path, capsys, words, sentence):
    given = config()
    assert check(tmp_path, *(word.format(config=given) for word in words)) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1


def test_findings_land_in_the_order_in_which_they_are_told(server):
    server.ways = Ways()
    spec = LoadSpec(base_url=server.base_url, model="good-model", concurrency=1, requests=1, attempt_prefix="check")
    rows = finding_rows(check_endpoint(spec), "c")
    assert [row.finding_id for row in rows] == list(QUESTIONS)
    assert [row.finding_number for row in rows] == list(range(1, len(QUESTIONS) + 1))


@pytest.mark.engine
@pytest.mark.slow
def test_an_engine_of_ours_is_started_asked_and_ended(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MEGATOKEN_HOST_LOCK", str(tmp_path / "lock"))
    before = psutil.Process().children()
    path = tmp_path / "local.toml"
    path.write_text(SITE + target("real"))  # its context is too short for the long prompt
    assert check(tmp_path, "real", "--config", str(path), "--no-land", "--json") == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert err.startswith("real: at most 24 calls") and "on this machine" in err
    said = {each["finding_id"]: each["verdict"] for each in told["findings"]}
    yes = ("max_tokens", "finish_reason", "stop_sequence", "unstreamed", "usage", "terminator", "repeats", "ignore_eos")
    assert {name: said[name] for name in yes} == dict.fromkeys(yes, "yes")
    assert told["deviations"] == ["made_up_model"]  # a server of one model answers under any name
    assert said["cached_tokens"] == "unknown"
    assert psutil.Process().children() == before
