"""A body cut at each of its bytes: what came stands, and no part passes for the whole."""

from probes.load.protocols.base import WireProtocol


def check_cuts(wire: WireProtocol, body: bytes) -> None:
    """Every beginning tells the first of the same events; only one that has the last event is a success.

    The end of the last event of a beginning may lie at the cut, since what completes it may be missing.
    """
    whole = wire.read_stream(body)
    assert whole.fault is None
    for place in range(1, len(body)):
        part = wire.read_stream(body[:place])
        told = len(part.event_ends)
        assert part.fault is None
        assert part.event_ends[:-1] == whole.event_ends[: max(told - 1, 0)]
        assert all(end <= place for end in part.event_ends)
        assert part.event_classes == whole.event_classes[:told]
        assert part.terminal <= (told == len(whole.event_ends))
