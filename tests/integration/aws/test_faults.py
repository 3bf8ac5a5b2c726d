"""What comes of each fault that AWS's documents, and networks, know."""

import base64
import hashlib
import io
import socket
import traceback
import zlib
from typing import Any

import pytest

from shared.aws import Call, JsonApi, NoAnswer, Service, endpoints
from shared.aws.connections import Connections, Timeouts
from shared.aws.credentials import Credentials
from shared.aws.endpoints import endpoint_of
from shared.aws.service import Patience
from shared.conditions import Absent
from shared.errors import (
    Broken,
    ConditionFailed,
    HeadraceError,
    NotFound,
    PreconditionFailed,
    TimedOut,
    Unavailable,
)
from shared.objects import Bucket, ObjectInfo
from shared.tables import Change, Table
from tests.integration.aws.misbehaving import Reply, Server, http, xml_error

CONTENT = bytes(range(256)) * 40
INFO = ObjectInfo(key="k", size_bytes=len(CONTENT), etag="e")
SLOW_DOWN = Reply(raw=http("503 Slow Down", xml_error("SlowDown")))
RESET = Reply(then="reset")
CUT = Reply(raw=http("200 OK", b"half", length=8), then="close")


def asked_from(head: bytes) -> int:
    """Return the first byte of the range that a request asks for."""
    return int(head.split(b"range: bytes=")[1].split(b"-")[0])


def ranged(size: int, *, then: str = "keep") -> Reply:
    """Answer a range of CONTENT, of which only *size* bytes come."""

    def answer(head: bytes) -> bytes:
        start, last = asked_from(head), len(CONTENT) - 1
        told = f"bytes {start}-{last}/{len(CONTENT)}"
        body = CONTENT[start : start + size]
        return http("206 Partial Content", body, length=len(CONTENT) - start, Content_Range=told)

    return Reply(raw=answer, then=then)


@pytest.mark.parametrize("fault", [SLOW_DOWN, RESET, CUT, Reply(then="close"), Reply(then="hang")])
def test_a_passing_fault_is_waited_out(
    server: Server, bucket: Bucket, waits: list[float], fault: Reply
) -> None:
    server.script = [fault, fault, Reply(raw=http("200 OK", b"content"))]
    assert bucket.read("k") == b"content"
    assert len(waits) == 2
    assert 0 <= waits[0] <= 1
    assert 0 <= waits[1] <= 2


@pytest.mark.parametrize(
    "fault",
    [
        SLOW_DOWN,
        Reply(raw=http("500 Internal Server Error", xml_error("InternalError"))),
        Reply(raw=http("502 Bad Gateway", b"<html>not S3's own words</html>")),
        Reply(raw=http("400 Bad Request", xml_error("RequestTimeout"))),
        Reply(raw=b"SSH-2.0-OpenSSH_9.0\r\n", then="close"),
        RESET,
        CUT,
    ],
)
def test_a_lasting_fault_is_unavailable_after_four_tries(
    server: Server, bucket: Bucket, fault: Reply
) -> None:
    server.script = [fault]
    with pytest.raises(Unavailable, match="s3://b/k"):
        bucket.read("k")
    assert len(server.asked) == 4


def test_a_lasting_silence_is_told_as_one(server: Server, bucket: Bucket) -> None:
    server.script = [Reply(then="hang")]
    with pytest.raises(TimedOut, match="s3://b/k"):
        bucket.read("k")


def test_a_call_may_have_less_patience_than_its_connection(server: Server) -> None:
    endpoint = endpoint_of(endpoints.S3, {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.origin})
    once = Service(
        endpoint,
        # Longer than a test may take: only the call's own patience ends it.
        Connections(Timeouts(connect_s=1, read_s=3600)),
        who=lambda: Credentials(key_id="a", secret_key="b"),
        patience=Patience(attempts=1),
    )
    server.script = [Reply(raw=http("200 OK", b"one")), Reply(then="hang")]
    call = Call(method="GET", within_s=0.2)
    assert once.send(call, lambda answer: answer.read_all(10)) == b"one"
    with pytest.raises(NoAnswer) as silent:
        once.send(call, lambda answer: answer.read_all(10))
    assert silent.value.is_late


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("404 Not Found", "NoSuchKey", NotFound),
        ("403 Forbidden", "AccessDenied", Broken),
        ("400 Bad Request", "ExpiredToken", Unavailable),
        ("412 Precondition Failed", "PreconditionFailed", PreconditionFailed),
        ("409 Conflict", "ConditionalRequestConflict", Unavailable),
    ],
)
def test_a_refusal_is_asked_for_once(
    server: Server, bucket: Bucket, status: str, code: str, kind: type[HeadraceError]
) -> None:
    server.script = [Reply(raw=http(status, xml_error(code)))]
    with pytest.raises(kind, match=code):
        bucket.write("k", b"x", new=True)
    assert len(server.asked) == 1


def test_a_redirect_is_never_followed(server: Server, bucket: Bucket) -> None:
    elsewhere = http("301 Moved", xml_error("PermanentRedirect"), Location=f"{server.origin}/elsewhere")
    server.script = [Reply(raw=elsewhere), Reply(raw=http("200 OK", b"stolen"))]
    with pytest.raises(Broken, match="PermanentRedirect"):
        bucket.read("k")
    assert len(server.asked) == 1


@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_stream_goes_on_from_the_byte_where_its_connection_broke(
    server: Server, bucket: Bucket, then: str
) -> None:
    server.script = [ranged(3000, then=then), ranged(3000, then=then), ranged(len(CONTENT))]
    with bucket.stream(INFO) as stream:
        assert stream.read() == CONTENT
    begun = [asked_from(head) for head in server.asked]
    # A reset may overtake bytes that were sent before it.
    assert begun == [0, 3000, 6000] if then == "close" else begun[0] == 0 <= begun[1] <= begun[2] <= 6000


@pytest.mark.parametrize("then", ["close", "reset"])
def test_an_object_that_breaks_off_is_no_shorter_object(server: Server, bucket: Bucket, then: str) -> None:
    server.script = [Reply(raw=http("200 OK", b"half", length=8), then=then)]
    with bucket.open("k") as stream, pytest.raises(Unavailable, match="broke off"):
        list(iter(lambda: stream.read(3), b""))


@pytest.mark.parametrize(
    "checksum",
    [
        {"x_amz_checksum_sha256": base64.b64encode(hashlib.sha256(b"sent").digest()).decode()},
        {"x_amz_checksum_crc32": base64.b64encode(zlib.crc32(b"sent").to_bytes(4)).decode()},
    ],
)
def test_an_object_that_arrives_damaged_is_asked_for_again(
    server: Server, bucket: Bucket, checksum: dict[str, Any]
) -> None:
    damaged, whole = http("200 OK", b"SENT", **checksum), http("200 OK", b"sent", **checksum)
    server.script = [Reply(raw=damaged), Reply(raw=whole)]
    assert bucket.read("k") == b"sent"
    server.script = [Reply(raw=damaged)]
    with pytest.raises(Unavailable, match="damaged"):
        bucket.read("k")


@pytest.mark.parametrize("body", [b"content", io.BytesIO(b"content")], ids=["bytes", "file"])
def test_what_arrived_damaged_at_s3_is_sent_again_whole(
    server: Server, bucket: Bucket, body: bytes | io.BytesIO
) -> None:
    server.script = [
        Reply(raw=http("400 Bad Request", xml_error("BadDigest"))),
        RESET,
        Reply(raw=http("200 OK")),
    ]
    bucket.write("k", body)
    assert [asked.endswith(b"\r\n\r\ncontent") for asked in server.asked] == [True] * 3
    checksum = base64.b64encode(hashlib.sha256(b"content").digest())
    assert all(b"x-amz-checksum-sha256: " + checksum in asked for asked in server.asked)


def test_an_error_that_comes_after_a_success_was_promised_counts(server: Server, bucket: Bucket) -> None:
    """S3 begins the answer to a long call before it knows its end."""
    server.script = [Reply(raw=http("200 OK", xml_error("InternalError")))]
    with pytest.raises(Unavailable, match="InternalError"):
        bucket.complete_multipart("k", "upload", [])
    with pytest.raises(Unavailable, match="InternalError"):
        bucket.copy_version(bucket, INFO, "copy")


def test_a_refusal_before_the_whole_body_was_sent_is_heard(server: Server, bucket: Bucket) -> None:
    refused = http("403 Forbidden", xml_error("AccessDenied"), Connection="close")
    server.script = [Reply(raw=refused, then="close", read_body=False)]
    # What comes first, the answer or the reset of the half sent body, is the network's choice.
    with pytest.raises((Broken, Unavailable)):
        bucket.write("k", bytes(8 << 20))


def test_a_connection_is_kept_and_a_closed_one_replaced_without_a_failure(
    server: Server, bucket: Bucket, waits: list[float]
) -> None:
    server.script = [Reply(raw=http("200 OK", b"x")), Reply(raw=http("200 OK", b"x"), then="close")]
    assert [bucket.read("k"), bucket.read("k")] == [b"x", b"x"]
    assert server.connections == 1
    assert [bucket.read("k"), bucket.read("k")] == [b"x", b"x"]
    assert server.connections == 3
    assert waits == []


def test_a_connection_that_closes_in_the_moment_it_is_used_costs_no_try(
    server: Server, bucket: Bucket, waits: list[float]
) -> None:
    whole = Reply(raw=http("200 OK", b"x"))
    server.script = [whole, Reply(then="close"), whole]
    assert [bucket.read("k"), bucket.read("k")] == [b"x", b"x"]
    assert (server.connections, waits) == (2, [])


def test_a_half_read_answer_leaves_no_connection_behind_for_others(server: Server, bucket: Bucket) -> None:
    server.script = [Reply(raw=http("200 OK", b"0123456789")), Reply(raw=http("200 OK", b"other"))]
    with bucket.open("k") as stream:
        assert stream.read(4) == b"0123"
    assert bucket.read("k") == b"other"
    assert server.connections == 2


def test_nobody_listening_is_unavailable(s3: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    endpoint = type(s3.endpoint)(
        origin=f"http://127.0.0.1:{port}", region="eu-west-1", signing_name="s3", is_aws=False
    )
    connections = Connections(Timeouts(connect_s=1, read_s=1))
    lonely = Service(endpoint, connections, who=s3.who, sleep=lambda _: None)
    with pytest.raises(Unavailable, match="no connection"):
        Bucket(lonely, "b").read("k")


def test_no_try_begins_after_the_budget(server: Server, s3: Service) -> None:
    server.script = [SLOW_DOWN]
    hurried = Service(
        s3.endpoint, Connections(Timeouts(connect_s=1, read_s=1)), who=s3.who, patience=Patience(budget_s=0)
    )
    with pytest.raises(Unavailable):
        Bucket(hurried, "b").read("k")
    assert len(server.asked) == 1


def test_no_credential_shows_in_an_error(server: Server, bucket: Bucket, dynamodb: JsonApi) -> None:
    server.script = [RESET]
    for attempt in (lambda: bucket.read("k"), lambda: Table(dynamodb, "t", "p").get("k")):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert "hidden" not in "".join(traceback.format_exception(caught.value))
    assert b"hidden-token" in server.asked[0]
    assert b"hidden-key" not in b"".join(server.asked)


def test_a_long_text_of_an_error_is_cut(server: Server, bucket: Bucket) -> None:
    server.script = [Reply(raw=http("403 Forbidden", xml_error("AccessDenied", "x" * 50_000)))]
    with pytest.raises(Broken) as caught:
        bucket.read("k")
    assert len(str(caught.value)) < 1200


def json_reply(status: str, body: str, **headers: Any) -> Reply:
    return Reply(raw=http(status, body.encode(), **headers))


def refused(code: str, more: str = "") -> Reply:
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return json_reply("400 Bad Request", f'{{"__type":"{kind}","message":"m"{more}}}')


@pytest.mark.parametrize(
    "fault",
    [
        refused("ProvisionedThroughputExceededException"),
        refused("ThrottlingException"),
        json_reply("500 Internal Server Error", '{"__type":"InternalServerError"}'),
        json_reply("200 OK", '{"Item":{"p":{"S":"damaged"}}}', x_amz_crc32="1"),
        json_reply("200 OK", '{"Item":{'),
        RESET,
    ],
)
def test_a_throttled_or_damaged_row_is_asked_for_again(
    server: Server, dynamodb: JsonApi, fault: Reply
) -> None:
    server.script = [fault, json_reply("200 OK", '{"Item":{"p":{"S":"k"}}}')]
    assert Table(dynamodb, "t", "p").get("k") == {"p": "k"}
    server.script = [fault]
    with pytest.raises(Unavailable, match=r"read t \('k',\)"):
        Table(dynamodb, "t", "p").get("k")


def test_a_lost_condition_is_told_at_once(server: Server, dynamodb: JsonApi) -> None:
    server.script = [refused("ConditionalCheckFailedException")]
    with pytest.raises(ConditionFailed):
        Table(dynamodb, "t", "p").put({"p": "k"}, only_if=Absent("p"))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reasons", "kind"),
    [
        ('[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"m"}]', ConditionFailed),
        ('[{"Code":"TransactionConflict"}]', Unavailable),
        ('[{"Code":"ThrottlingError"}]', Unavailable),
    ],
)
def test_a_cancelled_transaction_says_whether_to_decide_or_to_try_again(
    server: Server, dynamodb: JsonApi, reasons: str, kind: type[HeadraceError]
) -> None:
    server.script = [refused("TransactionCanceledException", f',"CancellationReasons":{reasons}')]
    table = Table(dynamodb, "t", "p")
    with pytest.raises(kind):
        table.transact(table.updating(("k",), Change(set={"a": 1})))


def test_a_transaction_sent_again_is_the_same_transaction(server: Server, dynamodb: JsonApi) -> None:
    server.script = [RESET, json_reply("200 OK", "{}")]
    table = Table(dynamodb, "t", "p")
    table.transact(table.putting({"p": "k"}))
    table.transact(table.putting({"p": "k"}))
    tokens = [asked.split(b'"ClientRequestToken":"')[1][:36] for asked in server.asked]
    assert tokens[0] == tokens[1] != tokens[2]
