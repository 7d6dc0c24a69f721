"""A plain connection to a server of its own, which may be killed"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import chain
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from realtime.commands import Command
from realtime.direct import DirectConnection
from realtime.tests.servers import OwnValkey

PASSWORD = "of-this-server"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that it has signed itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a server of tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, *plain))
    return path


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path, "--unixsocket", str(tmp_path / "link"))
    server.start()
    yield server
    server.close()


def direct(valkey: OwnValkey, **options: float) -> DirectConnection:
    return DirectConnection(redis.Redis.from_url(valkey.url, **options))


def packed(*commands: tuple[str | bytes, ...]) -> bytes:
    return b"".join(chain.from_iterable(Command(words).packed() for words in commands))


def test_many_commands_are_answered_in_their_order(valkey: OwnValkey) -> None:
    connection = direct(valkey)
    much = b"x" * 300_000
    commands = packed(("SET", "a", much), ("GET", "a"))
    connection.send(
        commands[:70_000], commands[70_000:], packed(("GET", "nothing"), ("LRANGE", "none", "0", "-1"))
    )
    assert connection.replies(2) == [b"OK", much]
    assert connection.replies(2) == [None, []]


def test_an_error_is_raised_and_leaves_nothing_behind(valkey: OwnValkey) -> None:
    connection = direct(valkey)
    connection.send(packed(("SET", "a", "1"), ("LPUSH", "a", "1"), ("GET", "a")))
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        connection.replies(3)
    connection.send(packed(("MULTI",), ("LPUSH", "a", "1"), ("GET", "a"), ("EXEC",)))
    *_, (error, value) = connection.replies(4)
    assert isinstance(error, redis.ResponseError)
    assert value == b"1"


def test_it_goes_to_the_database_of_the_client_with_its_password(tmp_path: Path) -> None:
    server = OwnValkey(tmp_path, "--requirepass", PASSWORD)
    server.url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/3"
    server.client = redis.Redis.from_url(server.url)
    server.start()
    try:
        connection = direct(server)
        connection.send(packed(("SET", "a", "1")))
        assert connection.replies(1) == [b"OK"]
        assert server.client.get("a") == b"1"
        refused = DirectConnection(redis.Redis(port=server.port, password="another"))
        with pytest.raises(redis.AuthenticationError) as told:
            refused.send(packed(("PING",)))
        assert "another" not in str(told.value)
    finally:
        server.close()


def test_a_unix_socket_is_a_way_as_well(valkey: OwnValkey, tmp_path: Path) -> None:
    connection = DirectConnection(redis.Redis(unix_socket_path=str(tmp_path / "link"), db=2))
    connection.send(packed(("SET", "a", "1"), ("DBSIZE",)))
    assert connection.replies(2) == [b"OK", 1]
    assert valkey.client.dbsize() == 0


def test_tls_is_spoken_to_a_server_whose_certificate_is_known(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            link, _ = listener.accept()
            with link, suppress(OSError), context.wrap_socket(link, server_side=True) as encrypted:
                assert encrypted.recv(100) == packed(("PING",))
                encrypted.sendall(b"+PONG\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        served = pool.submit(serve, listener)
        url = f"rediss://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(redis.ConnectionError, match="CERTIFICATE"):
            DirectConnection(redis.Redis.from_url(url)).send(packed(("PING",)))
        connection = DirectConnection(redis.Redis.from_url(f"{url}?ssl_ca_certs={certificate}"))
        connection.send(packed(("PING",)))
        assert connection.replies(1) == [b"PONG"]
        served.result(10)


def test_a_server_that_went_away_is_found_again(valkey: OwnValkey) -> None:
    connection = direct(valkey)
    connection.send(packed(("PING",)))
    connection.replies(1)
    valkey.kill()
    with pytest.raises(redis.ConnectionError):
        connection.send(packed(("PING",)))
        connection.replies(1)
    with pytest.raises(redis.ConnectionError, match=f"127.0.0.1:{valkey.port}"):
        connection.send(packed(("PING",)))
    valkey.start()
    connection.send(packed(("PING",)))
    assert connection.replies(1) == [b"PONG"]


def test_an_answer_is_waited_for_as_long_as_the_client_would(valkey: OwnValkey) -> None:
    connection = direct(valkey, socket_timeout=0.3)
    connection.send(packed(("BLPOP", "none", "0")))
    with pytest.raises(redis.TimeoutError):
        connection.replies(1)
    # What was asked before is answered to nobody.
    connection.send(packed(("ECHO", "next")))
    assert connection.replies(1) == [b"next"]


def test_what_is_no_answer_of_redis_ends_it(valkey: OwnValkey) -> None:
    connection = direct(valkey)
    connection.send(packed(("PING",)))
    connection.replies(1)
    connection._reader.feed(b"?what\r\n")
    with pytest.raises(redis.InvalidResponse):
        connection.replies(1)
    connection.send(packed(("PING",)))
    assert connection.replies(1) == [b"PONG"]
