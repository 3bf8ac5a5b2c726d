"""Over TLS: who the other side says it is must be proven, and a proven connection is kept."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.aws import wire
from shared.aws.connections import Connections, Request, Timeouts
from shared.aws.errors import NoAnswer
from tests.integration.aws.misbehaving import Reply, Server, http, running

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificate(name: str, signer: Pair | None, *hosts: str, until: datetime.datetime = NOW + DAY) -> Pair:
    """Return a certificate, of an authority of its own where no *signer* is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[0].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
    )
    if hosts:
        names = [
            x509.IPAddress(ipaddress.ip_address(h)) if h[0].isdigit() else x509.DNSName(h) for h in hosts
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = builder.sign(signer[1] if signer else key, hashes.SHA256())
    return signed, key


AUTHORITY, STRANGER = certificate("ours", None), certificate("somebody else", None)


class Secured(Server):
    """The misbehaving server behind TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    @property
    def origin(self) -> str:
        return super().origin.replace("http:", "https:")

    def _serve(self, connection: ssl.SSLSocket) -> None:  # type: ignore[override]
        try:
            secured = self._context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            connection.close()
            return
        super()._serve(secured)


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust our authority and no other."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(AUTHORITY[0].public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    wire._tls.cache_clear()
    yield
    wire._tls.cache_clear()


def context_of(tmp_path: Path, pair: Pair) -> ssl.SSLContext:
    pem = serialization.Encoding.PEM
    key = pair[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "server.pem"
    file.write_bytes(pair[0].public_bytes(pem) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def ask(connections: Connections, origin: str) -> bytes:
    request = Request(method="GET", origin=origin, target="/", headers={"host": "h"})
    return connections.send(request).read_all(100)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proven_server_is_asked_again_and_again_over_one_connection(tmp_path: Path, host: str) -> None:
    pair = certificate("server", AUTHORITY, "127.0.0.1", "localhost")
    connections = Connections(Timeouts(connect_s=5, read_s=5))
    with running(Secured(context_of(tmp_path, pair))) as server:
        server.script = [Reply(raw=http("200 OK", b"x" * 50))]
        origin = server.origin.replace("127.0.0.1", host)
        # The first exchange also carries what TLS says after its handshake; none of it is taken for an end.
        assert [ask(connections, origin) for _ in range(5)] == [b"x" * 50] * 5
        assert server.connections == 1
        connections.close()


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(certificate("server", AUTHORITY, "example.com"), id="of another host"),
        pytest.param(certificate("server", STRANGER, "127.0.0.1"), id="by a stranger"),
        pytest.param(certificate("127.0.0.1", None, "127.0.0.1"), id="by itself"),
        pytest.param(certificate("server", AUTHORITY, "127.0.0.1", until=NOW - DAY), id="expired"),
        pytest.param(certificate("127.0.0.1", AUTHORITY), id="naming its host in the old place only"),
    ],
)
def test_a_server_that_proves_nothing_is_told_nothing(tmp_path: Path, pair: Pair) -> None:
    connections = Connections(Timeouts(connect_s=5, read_s=5))
    with running(Secured(context_of(tmp_path, pair))) as server:
        server.script = [Reply(raw=http("200 OK", b"x"))]
        with pytest.raises(NoAnswer, match="SSLCertVerificationError"):
            ask(connections, server.origin)
        assert server.asked == []


def test_a_server_that_does_not_speak_tls_is_no_answer() -> None:
    connections = Connections(Timeouts(connect_s=5, read_s=5))
    with running() as server:
        server.script = [Reply(raw=http("200 OK", b"x"))]
        with pytest.raises(NoAnswer, match="no connection"):
            ask(connections, server.origin.replace("http:", "https:"))
