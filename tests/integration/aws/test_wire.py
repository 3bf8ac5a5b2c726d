"""How answers are framed, and what no request may smuggle."""

from collections.abc import Iterator

import pytest

from shared.aws.connections import Answer, Connections, Request, Timeouts
from shared.aws.errors import NoAnswer
from tests.integration.aws.misbehaving import Reply, Server, http

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = Connections(Timeouts(connect_s=1, read_s=1))
    yield made
    made.close()


def ask(connections: Connections, server: Server, method: str = "GET", **headers: str) -> Answer:
    sent = {"host": "h", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return connections.send(Request(method=method, origin=server.origin, target="/", headers=sent))


def test_an_answer_in_chunks_is_read_whole_and_keeps_its_connection(server: Server, connections: Connections):
    chunks = b"5;ext=1\r\nHello\r\n3\r\n, y\r\n2\r\nou\r\n0\r\nTrailer: x\r\n\r\n"
    server.script = [Reply(raw=CHUNKED + chunks), Reply(raw=http("200 OK", b"x"))]
    assert ask(connections, server).read_all(100) == b"Hello, you"
    assert ask(connections, server).read_all(100) == b"x"
    assert server.connections == 1


def test_announcements_before_an_answer_are_passed_over(server: Server, connections: Connections):
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    server.script = [Reply(raw=early + http("200 OK", b"x"))]
    answer = ask(connections, server)
    assert (answer.status, answer.read_all(9)) == (200, b"x")


def test_an_answer_without_a_length_ends_with_its_connection(server: Server, connections: Connections):
    server.script = [Reply(raw=b"HTTP/1.1 200 OK\r\n\r\nall of it", then="close"), Reply(raw=http("200 OK"))]
    assert ask(connections, server).read_all(100) == b"all of it"
    assert ask(connections, server).status == 200
    assert server.connections == 2


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_an_answer_that_has_no_body_by_its_kind_is_over_at_once(
    server: Server, connections: Connections, method: str, status: str
):
    server.script = [Reply(raw=http(status, length=7)), Reply(raw=http("200 OK", b"x"))]
    assert ask(connections, server, method).read_all(100) == b""
    assert ask(connections, server).read_all(100) == b"x"
    assert server.connections == 1


def test_header_names_come_in_lower_case_and_repeated_ones_together(server: Server, connections: Connections):
    server.script = [Reply(raw=b"HTTP/1.1 200 OK\r\nX-One:  a \r\nx-one: b\r\nContent-Length: 0\r\n\r\n")]
    assert ask(connections, server).headers["x-one"] == "a, b"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000,
        b"HTTP/1.1 200 OK\r\nX: broke off",
    ],
)
def test_what_is_no_answer_is_none(server: Server, connections: Connections, raw: bytes):
    server.script = [Reply(raw=raw, then="close")]
    with pytest.raises(NoAnswer):
        ask(connections, server)


@pytest.mark.parametrize("chunks", [b"5\r\nHel", b"x\r\n", b"-1\r\n", b"3\r\nabc\r\n"])
def test_chunks_that_break_off_or_lie_are_no_shorter_answer(
    server: Server, connections: Connections, chunks: bytes
):
    server.script = [Reply(raw=CHUNKED + chunks, then="close")]
    with pytest.raises(NoAnswer, match="broke off"):
        ask(connections, server).read_all(100)


@pytest.mark.parametrize("text", ["a\r\nx-evil: b", "a\nb", "a\rb"])
def test_a_header_with_a_line_break_is_never_sent(server: Server, connections: Connections, text: str):
    server.script = [Reply(raw=http("200 OK"))]
    with pytest.raises(ValueError, match="line break"):
        ask(connections, server, x_given=text)
    assert server.asked == []


def test_a_target_with_a_space_is_never_sent(server: Server, connections: Connections):
    server.script = [Reply(raw=http("200 OK"))]
    evil = Request(method="GET", origin=server.origin, target="/ HTTP/1.1", headers={"host": "h"})
    with pytest.raises(ValueError, match="space"):
        connections.send(evil)
    assert server.asked == []
