"""Real servers, started: what our client reads of their streams is what they say without one."""

import os
from pathlib import Path

import pytest

from tests.real_servers import run
from tests.real_servers.case import is_spoken, try_case

FOLDER = Path(os.environ.get("MEGATOKEN_REAL_SERVERS", run.FOLDER)).resolve()


@pytest.mark.engine
@pytest.mark.real_server
@pytest.mark.parametrize("name", sorted(run.SERVERS))
def test_a_stream_of_a_real_server_says_what_its_plain_answer_says(name, tmp_path):
    server = run.SERVERS[name]
    lacking = server.missing(FOLDER)
    if lacking:
        pytest.skip(lacking)
    with server.start(FOLDER, tmp_path) as running:
        outcomes = [try_case(case) for case in running.cases if is_spoken(case)]
    assert outcomes
    assert {outcome.case.title: outcome.unknown for outcome in outcomes if outcome.unknown} == {}
