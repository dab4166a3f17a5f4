"""Who is asked for the table of fixtures: each format in each of its forms, and what each meets in turn."""

from dataclasses import dataclass, field

from probes.fake.fixtures import FIXTURES
from probes.fake.formats import FORMATS, plays
from probes.load.protocols import PROTOCOLS

NAMELESS = ("tgi", "tei-rerank", "azure-openai")  # no request names a model, or the URL names a deployment
STREAMED = {"stream": True}
FATAL = ("auth", "model_not_found", "quota_or_spend")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One way to ask in one format."""

    api: str
    name: str  # also the model that it asks for
    streams: bool = True
    body: dict[str, object] | None = field(default=None, hash=False)
    load: dict[str, object] | None = field(default=None, hash=False)  # what the prompt is made of


def member_of(api, load=None):
    return Member(api=api, name=api, streams=PROTOCOLS[api].streams, load=load)


RANKED, SPOKEN = {"documents": 3, "document_tokens": 8}, {"audio_s": 0.5}
LOADS = {"rerank": RANKED, "cohere-rerank": RANKED, "tei-rerank": RANKED, "openai-transcription": SPOKEN}
MEMBERS = (
    *(member_of(api, LOADS.get(api)) for api in FORMATS),
    Member(api="openai-images", name="images-streamed", body=STREAMED),
    Member(api="openai-transcription", name="transcription-streamed", body=STREAMED, load=SPOKEN),
)


def has(member, name):
    """Whether a fixture means anything there."""
    return plays(FORMATS[member.api], FIXTURES[name], stream=member.streams)


def in_an_order_that_goes_on(names):
    """Those that stop a trial after three in a row, well apart from each other."""
    fatal = [name for name in names if FIXTURES[name].error_class in FATAL]
    others = [name for name in names if name not in fatal]
    step = max(len(others) // len(fatal), 1)
    order = []
    for n, name in enumerate(others):
        order.append(name)
        if n % step == 0 and fatal:
            order.append(fatal.pop())
    return order


WAITING = ("stall", "silent", "role-then-silent")  # they end when the client's patience does


def groups():
    """Members that are asked together: they share one load, and most of their fixtures."""
    together = {}
    for member in MEMBERS:
        together.setdefault((str(member.load), member.streams), []).append(member)
    return list(together.values())


def cycles(group):
    """For each member the fixtures in turn, but for those that wait; a plain answer where it lacks one."""
    names = [n for n in FIXTURES if n not in WAITING and any(has(member, n) for member in group)]
    order = in_an_order_that_goes_on(names)
    return {member.name: [name if has(member, name) else "none" for name in order] for member in group}
