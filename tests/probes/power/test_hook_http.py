"""Questions over HTTP against real sockets: which connection they go over, and every way in which one breaks off."""

import contextlib
import socket
import ssl
import threading

import pytest

from probes.power import hook_http
from probes.power.hook_http import HttpQuestion
from tests.certificate import make_certificate

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n42.5"
GENEROUS_S = 30.0


@contextlib.contextmanager
def secured(raw, context):
    with raw:
        if context is None:
            yield raw
        else:
            with context.wrap_socket(raw, server_side=True) as connection:
                yield connection


@contextlib.contextmanager
def answering(*connections, context=None):
    """A server that treats its n-th connection by the n-th list: for each request the bytes to send, or b"" to close.

    Gives (url, requests as they came, each with the number of its connection).
    """
    came: list[tuple[int, bytes]] = []

    def serve():
        for number, answers in enumerate(connections):
            try:
                raw, _ = listening.accept()
            except OSError:
                return  # the test is over
            with contextlib.suppress(ssl.SSLError), secured(raw, context) as connection:
                for answer in answers:
                    request = b""
                    while not request.endswith(b"\r\n\r\n"):
                        data = connection.recv(4096)
                        if not data:
                            break
                        request += data
                    if not request:
                        break
                    came.append((number, request))
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        scheme = "https" if context else "http"
        try:
            yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/status?id=0", came
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(GENEROUS_S)


@contextlib.contextmanager
def question(url, *, keeps_open=True, timeout_s=GENEROUS_S):
    asked = HttpQuestion(url, timeout_s=timeout_s, keeps_open=keeps_open)
    try:
        yield asked
    finally:
        asked.close()


def test_questions_go_over_one_connection_while_the_server_leaves_it_open():
    with answering([WHOLE] * 3) as (url, came), question(url) as asked:
        assert [asked.ask([]).body for _ in range(3)] == [b"42.5"] * 3
    assert [number for number, _ in came] == [0, 0, 0]
    head = came[0][1].decode().split("\r\n")
    assert head[0] == "GET /status?id=0 HTTP/1.1"
    assert head[1].startswith("Host: 127.0.0.1:")


def test_a_question_that_is_not_kept_open_says_so_and_closes():
    with answering([WHOLE], [WHOLE]) as (url, came), question(url, keeps_open=False) as asked:
        assert [asked.ask([]).body for _ in range(2)] == [b"42.5"] * 2
    assert [number for number, _ in came] == [0, 1]
    assert b"Connection: close" in came[0][1]


def test_a_server_that_closed_between_two_questions_is_asked_once_each_on_new_connections():
    with answering([WHOLE], [WHOLE], [WHOLE]) as (url, came), question(url) as asked:
        for _ in range(3):
            assert asked.ask([]).body == b"42.5"
            hook_http.select.select([asked._socket], [], [], GENEROUS_S)  # its end has come
    assert [number for number, _ in came] == [0, 1, 2]  # no question twice


def test_a_connection_that_ends_as_it_is_asked_is_replaced_once():
    with answering([WHOLE, b""], [WHOLE]) as (url, came), question(url) as asked:
        assert [asked.ask([]).body for _ in range(2)] == [b"42.5"] * 2
    assert [number for number, _ in came] == [0, 0, 1]


def test_a_server_that_never_answers_is_asked_no_third_time():
    with answering([WHOLE, b""], [b""], [WHOLE]) as (url, came), question(url) as asked:
        asked.ask([])
        with pytest.raises(ConnectionResetError, match="closed without an answer"):
            asked.ask([])
        assert [number for number, _ in came] == [0, 0, 1]
        assert asked.ask([]).body == b"42.5"  # the next question is another


def test_half_an_answer_is_none_and_is_not_asked_for_again():
    with answering([WHOLE, WHOLE[:-1]], [WHOLE]) as (url, came), question(url) as asked:
        asked.ask([])
        with pytest.raises(ConnectionResetError, match="before the answer was whole"):
            asked.ask([])
        assert asked.ask([]).body == b"42.5"
    assert [number for number, _ in came] == [0, 0, 1]


def test_an_answer_without_a_length_lasts_until_the_connections_end():
    with answering([b"HTTP/1.0 200 OK\r\n\r\n42.5"]) as (url, _), question(url) as asked:
        assert asked.ask([]).body == b"42.5"


def test_an_answer_in_chunks_after_an_announcement_is_put_together():
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n42\r\n2\r\n.5\r\n0\r\n\r\n"
    with answering([b"HTTP/1.1 103 Early Hints\r\n\r\n" + chunks, WHOLE]) as (url, came), question(url) as asked:
        assert [asked.ask([]).body for _ in range(2)] == [b"42.5"] * 2
    assert [number for number, _ in came] == [0, 0]


def test_an_answer_that_is_not_whole_in_time_is_none_and_its_rest_is_not_the_next():
    with answering([WHOLE[:-1], WHOLE], [WHOLE]) as (url, came), question(url, timeout_s=0.3) as asked:
        with pytest.raises(TimeoutError, match="timed out"):
            asked.ask([])
        asked._timeout_s = GENEROUS_S  # what this one is about has happened
        assert asked.ask([]).body == b"42.5"
    assert [number for number, _ in came] == [0, 1]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP: "),
        (WHOLE + WHOLE, "no HTTP: "),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "no HTTP: its head does not end"),
    ],
)
def test_what_is_no_single_http_answer_is_a_sentence(answer, sentence):
    with answering([answer]) as (url, _), question(url) as asked, pytest.raises(OSError, match=sentence):
        asked.ask([])


def test_only_the_first_64_kib_of_an_answer_are_taken_and_the_rest_is_not_the_next_answer():
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"7" * 1_000_000
    with answering([long], [WHOLE]) as (url, came), question(url) as asked:
        with contextlib.suppress(BrokenPipeError):
            assert asked.ask([]).body == b"7" * hook_http.MOST_BYTES
        assert asked.ask([]).body == b"42.5"
    assert [number for number, _ in came] == [0, 1]


@pytest.mark.parametrize("value", ["Bearer a\r\nX: b", "Bearer \u2713"])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(value):
    with answering([]) as (url, came), question(url) as asked:
        with pytest.raises(ValueError, match="header") as caught:
            asked.ask([("Authorization", value)])
        assert "Bearer" not in str(caught.value)
    assert came == []


@pytest.fixture
def tls(tmp_path):
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.num_tickets = 0  # a ticket that comes late looks like an end, and costs a connection
    return context, certificate


def test_over_tls_the_connection_is_kept_too(tls, monkeypatch):
    context, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    served = answering([WHOLE] * 2, context=context)
    with served as (url, came), question(url.replace("127.0.0.1", "localhost")) as asked:
        assert [asked.ask([]).body for _ in range(2)] == [b"42.5"] * 2
    assert [number for number, _ in came] == [0, 0]


def test_a_certificate_that_nobody_vouches_for_is_no_answer(tls):
    with answering([WHOLE], context=tls[0]) as (url, came):
        asked = HttpQuestion(url.replace("127.0.0.1", "localhost"), timeout_s=GENEROUS_S, keeps_open=False)
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            asked.ask([])
    assert came == []
