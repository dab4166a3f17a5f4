"""Every wire format we speak is checked: against the fake endpoint, which has them all."""

import pytest

from probes.capability.probe import check_endpoint
from probes.capability.promises import PROMISES, promise
from probes.fake.script import FakeScript
from probes.fake.server import fake_endpoint
from probes.load.protocols import PROTOCOLS
from probes.load.spec import LoadSpec, Timeouts

# The fake answers anybody, under any name, what its script says.
NOT_THE_FAKES = {"stop_sequence", "made_up_model", "wrong_key"}


@pytest.fixture(scope="module")
def fake():
    with fake_endpoint(FakeScript(ttft_s=0.001)) as endpoint:
        yield endpoint


def test_what_each_format_promises_is_written_down():
    assert set(PROMISES) == set(PROTOCOLS)
    assert not promise("not-yet-known").counts


@pytest.mark.parametrize("api", PROTOCOLS)
def test_an_answer_as_its_standard_says_conforms_in_every_format(fake, api):
    spec = LoadSpec(
        base_url=fake.base_urls[api],
        model="fake",
        api=api,
        api_key="a-key-0123456789",
        concurrency=1,
        requests=1,
        attempt_prefix="check",
        timeouts=Timeouts(connect_s=60, first_token_s=60, stall_s=60, total_s=60),
    )
    report = check_endpoint(spec)
    assert report.answered, report.advice
    assert set(report.score.deviations) <= NOT_THE_FAKES, [
        (each.finding_id, each.evidence) for each in report.findings if each.verdict == "deviates"
    ]
    assert report.score.unknown == ()
    said = {each.finding_id: each.verdict for each in report.findings}
    assert said["terminator"] == ("yes" if promise(api).at_limit else "not applicable")
    assert (said["made_up_model"] == "not applicable") == (api in ("azure-openai", "tgi", "tei-rerank"))
    assert said["usage"] == "yes" or not promise(api).counts
    assert said["bad_request"] in ("yes", "not applicable")
