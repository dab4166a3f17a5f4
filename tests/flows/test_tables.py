"""A table that is plainly right is made without pydantic, and is what pydantic would have made."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from flows.tables import plainly_right
from flows.targets import EndpointTarget
from flows.workload import Workload
from probes.endpoint.spec import EndpointSpec
from probes.fast_endpoint import fast_endpoint

CHAT = {"id": "adhoc", "arrivals": "closed", "concurrency": 4, "requests": 8, "prompt_tokens": 9, "output_tokens": 9}
HOSTED = {
    "kind": "endpoint", "id": "adhoc", "provider": "adhoc", "model": "m", "base_url": "http://h/v1/",
    "api": "openai-chat", "api_key_env": None,
}  # fmt: skip
# around every limit that a field of ours has, and of types that are almost right
VALUES = st.one_of(
    st.sampled_from([
        None, True, False, "", " chat ", "chat", "Chat", "warm", "poisson", "gamma", "slo", "3", "http://h", "h",
        "https://u:p@h", "KEY", "sk-1", -1, 0, 1, 2, 0.0, 0.5, 1.0, 2.0, 1e9, float("nan"), float("inf"), 10**9, [], {},
        {"rate_max_rps": 5.0}, "a\n",
    ]),
    st.integers(-2, 200_000),
    st.floats(-1, 200_000),
)  # fmt: skip


@pytest.mark.parametrize(("table", "right"), [(Workload, CHAT), (EndpointTarget, HOSTED)])
def test_what_a_bench_asks_for_is_plainly_right(table, right):
    assert plainly_right(table, right) == TypeAdapter(table).validate_python(right)


@given(
    st.sampled_from([(Workload, CHAT), (EndpointTarget, HOSTED)]).flatmap(
        lambda of: st.tuples(
            st.just(of), st.dictionaries(st.sampled_from([*of[0].__dataclass_fields__, "unknown"]), VALUES, max_size=4)
        )
    )
)
def test_what_pydantic_refuses_or_converts_is_never_plainly_right(asked):
    (table, right), changes = asked
    raw = right | changes
    made = plainly_right(table, raw)
    if made is None:
        return
    try:
        checked = TypeAdapter(table).validate_python(raw)
    except ValidationError as error:
        pytest.fail(f"{raw} was taken for right: {error}")
    assert made == checked
    assert [type(getattr(made, key)) for key in raw] == [type(getattr(checked, key)) for key in raw]


@pytest.mark.parametrize("missing", ["id", "prompt_tokens"])
def test_a_table_that_lacks_a_key_is_for_pydantic_to_refuse(missing):
    assert plainly_right(Workload, {key: value for key, value in CHAT.items() if key != missing}) is None


def test_a_bench_does_not_wait_for_pydantic(tmp_path):
    program = "import sys; from flows.cli import main; main(); print('pydantic' in sys.modules)"
    with fast_endpoint(EndpointSpec(ttft_s=0.0, itl_s=0.0)) as endpoint:
        asked = ["bench", endpoint.base_url, "--model", "m", "--requests", "2", "--output-tokens", "2", "--json"]
        command = [sys.executable, "-c", program, *asked, "--data", str(tmp_path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["False"], done.stdout + done.stderr
