"""A night over endpoints of eight wire formats that fail as planned: every class is counted as often as it was planted.

And their key, which some of them repeat to us, stands nowhere afterwards.
"""

import base64
import json
from collections import Counter
from urllib.parse import quote

import pytest

from probes.fake_endpoint import FakeScript, Play, fake_endpoint
from tests.flows.nights import endpoint, megatoken, night, sql, write_config

KEY = "sk-planted+key/0123456789=abcdef"
FORMATS = ("openai-chat", "azure-openai", "openai-responses", "anthropic", "gemini", "bedrock", "ollama", "tgi")
ROUNDS = 2
# What refuses everybody stands apart: three of a kind in a row and the trial would be given up, rightly.
PLAN = (
    "none", "http-429", "error-after-200", "gzip", "http-503", "truncated", "none", "echo-key-401", "one-write",
    "http-500", "stall", "none", "http-404-model", "cut-in-character", "http-429-no-delay", "drop", "one-token",
    "echo-key", "http-400-context", "none", "bad-http", "slow-headers", "http-402", "error-before-first-token",
)  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The data folder of such a night, how often each class was planted by format, and what was printed."""
    folder = tmp_path_factory.mktemp("formats")
    data = folder / "data"
    script = FakeScript(gap_s=0.01, hold_s=30.0, plays=tuple(Play(api=api, cycle=PLAN) for api in FORMATS))
    with fake_endpoint(script) as fake:
        targets = [endpoint(api, fake.base_urls[api], api=api, api_key_env="PLANTED_API_KEY") for api in FORMATS]
        config = write_config(
            folder, targets, requests=ROUNDS * len(PLAN), concurrency=4, warmup_requests=0, timeouts={"stall_s": 2.0},
            paired=True,
        )  # fmt: skip
        done = night(data, config, PLANTED_API_KEY=KEY)
        more = [
            megatoken(data, *words, PLANTED_API_KEY=KEY)
            for words in (["leaderboard", "--json"], ["explain", "latest"], ["account", "latest"])
        ]
        asked = Counter(request.fault for request in fake.requests)
        planned = {
            api: Counter(request.error_class or "ok" for request in fake.requests if request.api == api)
            for api in FORMATS
        }
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked == {name: ROUNDS * len(FORMATS) * PLAN.count(name) for name in PLAN}
    return data, planned, "".join(each.stdout + each.stderr for each in (done, *more))


def test_every_class_is_counted_as_often_as_it_was_planted(measured):
    data, planned, _ = measured
    rows = sql(
        data,
        """
        SELECT t.target_id, coalesce(a.error_class, 'ok') AS class, count(*) AS n
        FROM attempts AS a JOIN trials AS t USING (trial_id)
        WHERE a.error_class IS DISTINCT FROM 'stale_connection'
        GROUP BY ALL
        """,
    )
    found = {api: {row["class"]: row["n"] for row in rows if row["target_id"] == api} for api in FORMATS}
    assert found == planned
    outcomes = {row["target_id"]: row for row in sql(data, "SELECT * FROM trial_outcomes")}
    assert {api: row["ok"] for api, row in outcomes.items()} == {api: planned[api]["ok"] for api in FORMATS}


def test_the_key_that_was_echoed_stands_nowhere(measured):
    data, _, printed = measured
    forms = {KEY, KEY[3:], quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode(), json.dumps(KEY)[1:-1]}
    secrets = [form.encode() for form in forms]
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files for secret in secrets if secret in path.read_bytes()] == []
    assert [secret for secret in secrets if secret in printed.encode()] == []
    rows = sql(data, "SELECT a.* FROM attempts AS a")
    assert KEY not in json.dumps(rows, default=str)
