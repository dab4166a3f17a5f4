"""Names are looked up beside the loop: what is slow or fails there keeps nobody else waiting."""

import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from probes.fake_endpoint import fake_endpoint
from probes.load.group import run_load_group
from probes.load.lookup import Lookup
from probes.load.origin import Origin
from tests.probes.load.test_group import members


def origin(host):
    return Origin(tls=False, host=host, port=80, target="/")


def test_a_name_that_does_not_resolve_is_told_in_words():
    found = Lookup(origin("no-such-host.invalid")).wait(10)
    assert isinstance(found, str)
    assert found.startswith("no-such-host.invalid: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_resolver_and_no_thread(host):
    before = threading.active_count()
    lookup = Lookup(origin(host))
    assert threading.active_count() == before
    assert [address.sockaddr[:2] for address in lookup.found] == [(host, 80)]
    assert lookup.took_ns is None


def test_bells_ring_once_the_answer_is_there_and_those_forgotten_do_not(monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: go.wait(10) and [(socket.AF_INET, 1, 6, "", ("h", 1))])
    lookup = Lookup(origin("slow.invalid"))
    pairs = [socket.socketpair() for _ in range(3)]
    for _, bell in pairs[:2]:
        lookup.ring(bell)
    lookup.forget(pairs[1][1])
    assert lookup.found is None
    go.set()
    assert lookup.wait(10) == lookup.found != []
    assert lookup.took_ns > 0
    lookup.ring(pairs[2][1])
    for rings, (ear, bell) in zip((b"\0", b"", b"\0"), pairs, strict=True):
        bell.close()
        assert ear.recv(8) == rings
        ear.close()


def test_a_slow_resolver_of_one_target_keeps_no_other_waiting(monkeypatch, tmp_path):
    with fake_endpoint() as quick, fake_endpoint() as late:
        found = socket.getaddrinfo

        def resolver(host, *more, **named):
            while host == "late.invalid" and not quick.requests:  # if the loop waited for this, it would never end
                time.sleep(0.001)
            return found("127.0.0.1" if host == "late.invalid" else host, *more, **named)

        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        url = f"http://late.invalid:{urlsplit(late.base_url).port}/v1"
        both = members(tmp_path, quick.base_url, url, requests=3, connections="cold")
        results = run_load_group(both)
    assert [[attempt.error_class for attempt in result.attempts] for result in results] == [[None] * 3] * 2
    assert results[0].evidence.name_lookup_ns is None  # an address
    assert results[1].evidence.name_lookup_ns > 0
