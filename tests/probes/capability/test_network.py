"""The way to an endpoint: names, connections, certificates that are really verified, and what HTTP is offered."""

import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from probes.capability.network import http_finding, look
from probes.capability.probe import check_endpoint
from probes.errors import ProbeError
from probes.load.origin import parse_origin
from probes.load.spec import LoadSpec, Timeouts
from tests.probes.capability.server import Ways, serving

PATIENT = Timeouts(connect_s=60, first_token_s=60, stall_s=60, total_s=60)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Certificate and key of 127.0.0.1, by its own hand, good for ten days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Own Hand")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=10, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


@pytest.fixture(scope="module")
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with serving(context) as server:
        server.ways = Ways()
        yield server.base_url.replace("http:", "https:")


def spec(base_url: str, **changes) -> LoadSpec:
    given = {"model": "good-model", "concurrency": 1, "requests": 1, "attempt_prefix": "check", "timeouts": PATIENT}
    return LoadSpec(base_url=base_url, **given | changes)


def test_over_tls_version_cipher_issuer_days_left_and_the_offered_http_are_told(secure, certificate):
    report = check_endpoint(spec(secure, ca_file=str(certificate)))
    assert report.conformance_share == 1.0
    by_id = {each.finding_id: each for each in report.findings}
    assert by_id["tls"].verdict == "yes"
    assert by_id["tls"].evidence.endswith("certificate of Own Hand, good for 10 days more")
    assert report.tls.version == "TLSv1.3" and report.tls.issuer == "Own Hand"
    assert by_id["http"].evidence.startswith("it prefers HTTP/2; we measure over HTTP/1.1")
    assert "TLS handshake" in by_id["round_trip"].evidence


def test_a_certificate_that_nobody_vouches_for_ends_the_check_with_that_word(secure):
    report = check_endpoint(spec(secure))
    by_id = {each.finding_id: each for each in report.findings}
    assert (by_id["tcp"].verdict, by_id["tls"].verdict) == ("yes", "no")
    assert report.advice.startswith("not reached (tls): its certificate is not accepted: self-signed certificate")
    assert not report.answered and report.calls == 0


def test_plain_http_to_a_port_that_speaks_tls_is_not_answered_and_does_not_hang(secure):
    report = check_endpoint(spec(secure.replace("https:", "http:")))
    assert not report.answered
    assert "before it answered" in report.advice


def test_a_certificate_file_that_cannot_be_read_is_named(secure, tmp_path):
    with pytest.raises(ProbeError, match=r"ca_file .*none\.pem cannot be read"):
        check_endpoint(spec(secure, ca_file=str(tmp_path / "none.pem")))


def test_a_name_that_does_not_resolve_is_said_and_nothing_else_is_tried():
    network = look(parse_origin("http://no-such-host.invalid/v1", "/x"), PATIENT, None)
    assert [(each.finding_id, each.verdict) for each in network.findings] == [("name", "no")]
    assert network.failure[0] == "dns"
    assert http_finding(network, None).verdict == "unknown"
