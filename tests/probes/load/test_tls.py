"""Trials over TLS, with certificates that are really verified."""

import datetime
import ipaddress
import socketserver
import ssl
import threading
import time
import tracemalloc
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.tls import TlsChannel, client_context
from tests.probes.load.conftest import PATIENT


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def script(certificate, **more):
    return FakeScript(certificate=certificate[0], key=certificate[1], **more)


def test_a_trial_over_tls_has_kernel_stamps_and_keeps_its_connections(certificate, load):
    with fake_endpoint(script(certificate, ttft_s=0.01, itl_s=0.002)) as fake:
        assert fake.base_url.startswith("https://localhost:")
        result = load(fake.base_url, ca_file=str(certificate[0]), requests=8, warmup_requests=2)
        assert fake.connections == 2
    assert {attempt.error_class for attempt in result.attempts} == {None}
    assert result.stamp_source == "kernel"
    truth = {request.request_id: request for request in fake.requests}
    for attempt in result.attempts:
        assert attempt.chunks == 8
        assert attempt.t_first_ns >= truth[attempt.attempt_id].first_ns
        assert attempt.t_start_ns < truth[attempt.attempt_id].recv_ns


def test_a_certificate_nobody_vouches_for_is_refused(certificate, load):
    with fake_endpoint(script(certificate)) as fake:
        result = load(fake.base_url, requests=9)
        assert not fake.requests
    assert [attempt.error_class for attempt in result.attempts] == ["tls"] * 3
    assert "self-signed certificate" in result.attempts[0].error_message


def test_a_certificate_for_another_name_is_refused(certificate, load):
    with fake_endpoint(script(certificate)) as fake:
        result = load(fake.base_url.replace("localhost", "127.0.0.1"), requests=1, ca_file=str(certificate[0]))
    assert [attempt.error_class for attempt in result.attempts] == ["tls"]
    assert "127.0.0.1" in result.attempts[0].error_message


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("drop", "truncated"),
        ("connection-close", None),
        ("no-length", None),
        ("close-silently", None),
        ("stall", "stall"),
    ],
)
def test_endings_over_tls_have_the_same_classes(fault, expected, certificate, load):
    with fake_endpoint(script(certificate, fault=fault)) as fake:
        limits = replace(PATIENT, stall_s=0.3 if fault == "stall" else PATIENT.stall_s)
        result = load(fake.base_url, ca_file=str(certificate[0]), requests=3, timeouts=limits)
    assert {attempt.error_class for attempt in result.attempts if attempt.phase == "measured"} == {expected}


def test_a_request_larger_than_the_socket_buffer_goes_out_whole(certificate, load):
    with fake_endpoint(script(certificate)) as fake:
        result = load(fake.base_url, ca_file=str(certificate[0]), requests=1, prompt_tokens=40_000)
    [attempt] = result.attempts
    assert attempt.error_class is None
    assert attempt.t_sent_ns > attempt.t_start_ns
    assert attempt.prompt_tokens > 20_000


def test_connections_that_end_as_soon_as_they_are_open_are_not_opened_for_ever(certificate, load):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    dialled = []

    class NobodyBehind(socketserver.BaseRequestHandler):
        def handle(self):
            dialled.append(self)
            time.sleep(0.01)  # opening takes longer than the connection lives: some are always on their way
            with suppress(OSError):  # the client had enough
                context.wrap_socket(self.request, server_side=True).close()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), NobodyBehind) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"https://localhost:{server.server_address[1]}/v1"
        result = load(
            url,
            ca_file=str(certificate[0]),
            requests=4,
            concurrency=4,
            stop=lambda: "it goes on dialling" if len(dialled) > 200 else None,
        )
        server.shutdown()
    assert result.stopped_reason is None
    measured = [attempt.error_class for attempt in result.attempts if attempt.phase == "measured"]
    assert measured == ["truncated"] * 4


def test_records_are_read_whole_and_nothing_larger_is_made_than_they_bring(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    inbox, outbox = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(inbox, outbox, server_side=True)
    channel = TlsChannel(client_context(str(certificate[0])), "localhost")
    while not channel.handshake(outbox.read()):
        inbox.write(channel.pending())
        with suppress(ssl.SSLWantReadError):
            server.do_handshake()
    inbox.write(channel.pending())
    server.do_handshake()
    buffer = memoryview(bytearray(65536))

    server.write(b"a" * 40_000)  # three records
    server.write(b"b")
    records = outbox.read()
    came = memoryview(records)[: len(records) - 3]
    buffer[: len(came)] = came  # as the receiver hands it over: in the buffer that is overwritten
    assert channel.decrypt(buffer[: len(came)], buffer) == b"a" * 40_000
    assert channel.decrypt(records[-3:], buffer) == b"b"

    tracemalloc.start()
    try:
        for _ in range(20):
            server.write(b"c" * 100)
            record = outbox.read()
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            assert channel.decrypt(record, buffer) == b"c" * 100
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < 4096
    finally:
        tracemalloc.stop()
