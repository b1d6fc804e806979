"""What goes wrong on a LAN, over HTTP. Each time: a clear error, bounded cost, and everybody else served meanwhile."""

import asyncio
import contextlib
import io
import json
import logging
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from koe.adapters.http.errors import HttpError
from koe.core.errors import (
    Busy,
    DeadlineExceeded,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidSsml,
    LimitExceeded,
    MalformedInput,
    NothingToSpeak,
    RequestError,
    SettingsError,
    ShuttingDown,
    UnknownVoice,
    UnsupportedAbility,
)
from tests.adapters.http.conftest import Sample
from tests.adapters.http.test_security import certificate
from tests.support.house import PATIENCE
from tests.support.http_house import BEARER, STRANGER, STRANGERS, HttpHouse, http_house
from tests.support.waiting import eventually

KIB, MIB = 2**10, 2**20
SOON = 0.2
PART = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.wav"\r\n\r\n'


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def post(it: HttpHouse, body: str | bytes) -> Any:
    return it.client.post("/echo", data=body, headers={"Content-Type": "application/json"})


@asynccontextmanager
async def bare(it: HttpHouse, whence: str | Path) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection from that address of this machine, or over that unix socket."""
    if isinstance(whence, Path):
        reader, writer = await asyncio.open_unix_connection(whence)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port, local_addr=(whence, 0))
    try:
        yield writer
    finally:
        # Without its reader it would be closed at once.
        del reader
        writer.transport.abort()


async def error_of(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    body = await answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return dict(body["error"])


async def said(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server closes, also where it resets a client that goes on sending."""
    heard = b""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                heard += piece
    return heard


async def assert_serves(it: HttpHouse) -> None:
    async with it.client.get("/health") as answer:
        assert await answer.json() == {"status": "ok"}


async def test_a_port_in_use_is_an_error_that_names_the_remedy(tmp_path: Path) -> None:
    async with http_house(tmp_path) as it:
        with pytest.raises(SettingsError, match=r"can't listen on .*another Koe.*setting http\.listen"):
            async with http_house(tmp_path, listen=("tcp://127.0.0.1:0", f"tcp://127.0.0.1:{it.port}")):
                pass
        await assert_serves(it)


async def test_it_listens_on_every_address(tmp_path: Path) -> None:
    listen = ("tcp://127.0.0.1:0", "tcp://127.0.0.2:0", f"unix://{tmp_path}/koe.sock")
    async with http_house(tmp_path, listen=listen) as it:
        *tcp, unix = it.server.uris
        assert unix == listen[2]
        for uri in tcp:
            async with it.client.get(f"{uri}/health") as answer:
                assert answer.status == 200


async def test_an_unknown_path_and_a_wrong_method_are_named(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints) as it:
        async with it.client.get("/nothing") as answer:
            assert answer.status == 404
            assert (await error_of(answer))["type"] == "not_found_error"
        async with it.client.delete("/echo") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
            assert (await error_of(answer))["code"] == "method-not-allowed"


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"text": "a", "speed": 9}, "speed", "less than or equal to 4"),
        ({"text": "a", "speed": "fast"}, "speed", "valid number"),
        ({"text": 5}, "text", "valid string"),
        ({}, "text", "is needed"),
        ({"text": "a", "spede": 1}, "spede", "did you mean speed?"),
        ({"text": "x" * 3000}, "text", "at most 2000"),
        ([], None, "object"),
        (None, None, "object"),
    ],
)
async def test_a_wrong_field_is_named(tmp_path: Path, sample: Sample, body: Any, param: str | None, words: str) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, post(it, json.dumps(body)) as answer:
        assert answer.status == 400
        error = await error_of(answer)
        assert (error["param"], error["type"], error["code"]) == (param, "invalid_request_error", "malformed-input")
        assert words in error["message"]
        assert len(error["message"]) < 300


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"text": "\\ud800"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"text": 1e999999}', b"\0"],
    ids=lambda body: f"{body[:20]!r}",
)
async def test_what_is_no_json_is_an_error(tmp_path: Path, sample: Sample, body: bytes) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, post(it, body) as answer:
        assert answer.status == 400
        await error_of(answer)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "a"])
async def test_another_content_type_is_refused(tmp_path: Path, sample: Sample, kind: str) -> None:
    async with http_house(tmp_path, sample.endpoints) as it:
        async with it.client.post("/echo", data=b'{"text": "a"}', headers={"Content-Type": kind}) as answer:
            assert answer.status == 415
            await error_of(answer)
        async with it.client.post("/upload", json={}) as answer:
            assert answer.status == 415


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=5&tag=a", 200),
        ("tag=a&tag=b", 200),
        ("", 200),
        ("limit=0", 400),
        ("limit=5&limit=6", 400),
        ("limit=x", 400),
        ("limt=5", 400),
        ("limit=%ff", 400),
        ("%00=1", 400),
    ],
)
async def test_a_query_is_checked_as_well(tmp_path: Path, sample: Sample, query: str, status: int) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, it.client.get(f"/range?{query}") as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    ("failure", "status", "kind", "retry"),
    [
        (MalformedInput("x"), 400, "invalid_request_error", False),
        (RequestError("x"), 400, "invalid_request_error", False),
        (UnsupportedAbility("x"), 400, "invalid_request_error", False),
        (LimitExceeded("x"), 400, "invalid_request_error", False),
        (NothingToSpeak("x"), 400, "invalid_request_error", False),
        (InvalidSsml("x"), 400, "invalid_request_error", False),
        (SettingsError("x"), 400, "invalid_request_error", False),
        (UnknownVoice("x"), 404, "not_found_error", False),
        (Busy("x"), 429, "rate_limit_error", True),
        (EngineUnavailable("x"), 503, "server_error", True),
        (ShuttingDown("x"), 503, "server_error", True),
        (EngineError("x"), 502, "server_error", False),
        (EngineTimeout("x"), 504, "server_error", False),
        (DeadlineExceeded("x"), 504, "server_error", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_every_failure_has_its_status(
    tmp_path: Path, sample: Sample, failure: Any, status: int, kind: str, retry: bool
) -> None:
    sample.failure = lambda: failure
    async with http_house(tmp_path, sample.endpoints) as it, it.client.get("/fail") as answer:
        assert (answer.status, "Retry-After" in answer.headers) == (status, retry)
        assert await error_of(answer) == {"message": "x", "type": kind, "param": None, "code": failure.code}


async def test_a_failure_may_choose_its_status(tmp_path: Path, sample: Sample) -> None:
    sample.failure = lambda: HttpError(409, "twice", code="exists", param="id", retry_after=2.6)
    async with http_house(tmp_path, sample.endpoints) as it, it.client.get("/fail") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (409, "3")
        assert (await error_of(answer))["param"] == "id"


@pytest.mark.parametrize(
    "failure", [ValueError("secret"), OSError(28, "secret"), TimeoutError("secret"), KeyError("secret")]
)
async def test_what_nobody_foresaw_is_logged_and_tells_nothing(
    tmp_path: Path, sample: Sample, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    sample.failure = lambda: failure
    async with http_house(tmp_path, sample.endpoints) as it:
        async with it.client.get("/fail") as answer:
            assert answer.status == 500
            assert "secret" not in await answer.text()
        await assert_serves(it)
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.exc_info is not None
    assert record.exc_info[1] is failure


@pytest.mark.parametrize("failure", [EngineError("x"), ValueError("a bug")])
async def test_an_answer_that_fails_in_the_middle_is_no_success(
    tmp_path: Path, sample: Sample, failure: Exception
) -> None:
    sample.failure = lambda: failure
    async with http_house(tmp_path, sample.endpoints) as it:
        async with it.client.get("/break-off") as answer:
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        await assert_serves(it)


NAMES = [
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%2Fetc%2Fpasswd",
    "..%5c..%5cwindows",
    "%00",
    "a%00.json",
    "%0d%0aX-Evil:%201",
    "%ff%fe",
    "%F0%9F%98%80",
    "e%CC%81",
    "%E2%80%AE",
    "CON",
    "NUL.json",
    "aux",
    "%20",
    ".",
    "a" * 6000,
    "%",
    "%zz",
    "*",
    "'",
    "<script>",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:30])
async def test_odd_names_reach_a_handler_as_one_word_or_not_at_all(tmp_path: Path, sample: Sample, name: str) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, it.raw() as (reader, writer):
        writer.write(head("GET", f"/named/{name}", "Connection: close"))
        answer = await said(reader)
        status = int(answer.split()[1])
        assert status in (200, 400, 404)
        assert b"\r\nX-Evil" not in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])
        await assert_serves(it)


@pytest.mark.parametrize(
    "path", ["/named/../health", "/../../etc/passwd", "//health", "/named//x", "/named/a/../../health"]
)
async def test_a_path_leads_nowhere_else(tmp_path: Path, sample: Sample, path: str) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, it.raw() as (reader, writer):
        writer.write(head("GET", path, "Connection: close"))
        assert int((await said(reader)).split()[1]) in (400, 404)


@pytest.mark.parametrize(
    "sent",
    [
        b"\n",
        b"\0" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        b'{"type": "describe"}\n\n\n\n',
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 1000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX\0Y: a\r\n\r\n",
        head("POST", "/echo", "Content-Length: -1"),
        head("POST", "/echo", "Content-Length: 1, 2"),
        head("POST", "/echo", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head("POST", "/echo", "Content-Type: application/json", "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n",
        head("POST", "/echo", "Content-Type: application/json", "Transfer-Encoding: chunked") + b"f" * 30 + b"\r\n",
        head("POST", "/echo", "Transfer-Encoding: gzip"),
    ],
    ids=lambda sent: f"{sent[:60]!r}",
)
async def test_what_is_no_http_is_refused(tmp_path: Path, sample: Sample, sent: bytes) -> None:
    async with http_house(tmp_path, sample.endpoints, idle_timeout=SOON) as it:
        async with it.raw() as (reader, writer):
            writer.write(sent)
            answer = await said(reader)
            if answer:
                assert answer.split()[1] == b"400"
                assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "malformed-input"
        await assert_serves(it)


async def test_a_compressed_body_is_refused(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints) as it:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        async with it.client.post("/echo", data=b"\x1f\x8b" + bytes(100), headers=headers) as answer:
            assert answer.status == 415


@pytest.mark.parametrize(("path", "limit"), [("/echo", 64 * KIB), ("/upload", MIB)])
async def test_an_upload_that_says_it_is_too_large_is_refused_before_it_comes(
    tmp_path: Path, sample: Sample, path: str, limit: int
) -> None:
    async with (
        http_house(tmp_path, sample.endpoints, max_body_bytes=64 * KIB, max_upload_bytes=MIB) as it,
        it.raw() as (reader, writer),
    ):
        writer.write(head("POST", path, "Content-Type: application/json", f"Content-Length: {2 * 2**30}"))
        async with asyncio.timeout(PATIENCE):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.split()[1] == b"413"


async def test_an_upload_is_not_even_invited_where_it_will_be_refused(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints, max_body_bytes=KIB) as it:
        for length, status in ((2 * 2**30, b"413"), (20, b"100")):
            async with it.raw() as (reader, writer):
                kind = "Content-Type: application/json"
                writer.write(head("POST", "/echo", kind, f"Content-Length: {length}", "Expect: 100-continue"))
                async with asyncio.timeout(PATIENCE):
                    assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == status
                    if status == b"100":
                        writer.write(b'{"text": "at last!"}')
                        assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"200"


@pytest.mark.parametrize(
    ("path", "kind", "begin"),
    [
        ("/echo", "application/json", b'{"text": "'),
        (
            "/upload",
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n',
        ),
        ("/upload", "multipart/form-data; boundary=x", b""),
    ],
)
async def test_an_upload_without_end_is_refused_at_the_limit(
    tmp_path: Path, sample: Sample, path: str, kind: str, begin: bytes
) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            for piece in (begin, *[b"x" * 65536] * 32_000):
                if piece:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
                sent += len(piece)
        except OSError:
            return

    async with http_house(tmp_path, sample.endpoints, max_body_bytes=2 * MIB, max_upload_bytes=2 * MIB) as it:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with it.raw() as (reader, writer):
            writer.write(head("POST", path, f"Content-Type: {kind}", "Transfer-Encoding: chunked"))
            flooding = asyncio.create_task(flood(writer))
            async with asyncio.timeout(PATIENCE):
                answer = await reader.readuntil(b"\r\n\r\n")
            flooding.cancel()
            assert answer.split()[1] in (b"413", b"400")
        await assert_serves(it)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024


@pytest.mark.parametrize(
    "sent", [b"", b"G", b"GET /health HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: "]
)
async def test_a_head_that_never_ends_is_given_up(tmp_path: Path, sent: bytes) -> None:
    async with http_house(tmp_path, idle_timeout=SOON) as it, it.raw() as (reader, writer):
        writer.write(sent)
        assert b"200" not in await said(reader)
        await eventually(lambda: it.server.connections == 0)


async def test_a_head_that_drips_is_given_up(tmp_path: Path) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        while True:
            writer.write(b"X: a\r\n")
            await asyncio.sleep(0.02)

    async with http_house(tmp_path, idle_timeout=SOON) as it, it.raw() as (reader, writer):
        dripping = asyncio.create_task(drip(writer))
        assert b"200" not in await said(reader)
        dripping.cancel()


@pytest.mark.parametrize("path", ["/echo", "/upload"])
@pytest.mark.parametrize("drips", [False, True])
async def test_a_body_that_comes_too_slowly_is_given_up(tmp_path: Path, sample: Sample, path: str, drips: bool) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"-")
            await asyncio.sleep(0.02)

    kind = "multipart/form-data; boundary=x" if path == "/upload" else "application/json"
    async with http_house(tmp_path, sample.endpoints, idle_timeout=SOON) as it, it.raw() as (reader, writer):
        writer.write(head("POST", path, f"Content-Type: {kind}", "Content-Length: 100000"))
        dripping = asyncio.create_task(drip(writer)) if drips else None
        answer = await said(reader)
        assert answer.split()[1] == b"408"
        assert b"http.idle_timeout" in answer
        if dripping is not None:
            dripping.cancel()
        await eventually(lambda: it.server.connections == 0)


async def test_a_listener_that_stops_reading_costs_a_bounded_buffer_and_then_its_connection(
    tmp_path: Path, sample: Sample
) -> None:
    async with http_house(tmp_path, sample.endpoints, write_timeout=SOON) as it:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with it.raw() as (_, writer):
            writer.write(head("GET", "/stream"))
            await eventually(lambda: sample.streams == 1)
            await assert_serves(it)
            await eventually(lambda: sample.streams == 0)
        await eventually(lambda: it.server.connections <= 1)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


async def test_a_listener_of_single_bytes_is_given_up(tmp_path: Path, sample: Sample) -> None:
    async def sip(small: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while await loop.sock_recv(small, 1):  # noqa: ASYNC110 - a second between two bytes would be no other
            await asyncio.sleep(0.01)

    async with http_house(tmp_path, sample.endpoints, write_timeout=SOON) as it:
        with socket.socket() as small:
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            small.setblocking(False)
            await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", it.port))
            await asyncio.get_running_loop().sock_sendall(small, head("GET", "/stream"))
            await eventually(lambda: sample.streams == 1)
            sipping = asyncio.create_task(sip(small))
            await eventually(lambda: sample.streams == 0)
            sipping.cancel()
            await asyncio.gather(sipping, return_exceptions=True)


async def test_a_listener_with_a_thin_line_is_not_given_up(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints, write_timeout=0.3) as it, it.client.get("/stream") as answer:
        taken = 0
        # Far longer than the time-out, at a pace that the kernel's buffers can't hide.
        async with asyncio.timeout(PATIENCE):
            while taken < 24 * MIB:
                taken += len(await answer.content.read(MIB))
                await asyncio.sleep(0.03)
        assert sample.streams == 1


async def test_a_client_that_vanishes_in_mid_stream_ends_its_handler(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints) as it:
        async with it.raw() as (reader, writer):
            writer.write(head("GET", "/stream"))
            await reader.readexactly(1000)
            assert sample.streams == 1
        await eventually(lambda: sample.streams == 0)


async def test_a_client_that_vanishes_in_mid_upload_harms_nobody(
    tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "koe")
    async with http_house(tmp_path, sample.endpoints) as it:
        for path, kind in (("/echo", "application/json"), ("/upload", "multipart/form-data; boundary=x")):
            async with it.raw() as (_, writer):
                writer.write(head("POST", path, f"Content-Type: {kind}", "Content-Length: 1000") + b"--x\r\n")
                await eventually(lambda: it.server.busy == 1)
            await eventually(lambda: it.server.busy == 0)
        await assert_serves(it)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert len([record for record in caplog.records if "499" in record.getMessage()]) == 2


LYING = {
    "no boundary": (b"hello", "x"),
    "another boundary": (PART + b"data\r\n--x--\r\n", "y"),
    "truncated in a part": (PART + b"data", "x"),
    "truncated in a head": (b"--x\r\nContent-Dispo", "x"),
    "no name": (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", "x"),
    "no disposition": (b"--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x--\r\n", "x"),
    "a form in a form": (b"--x\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z--\r\n--x--\r\n", "x"),
    "wrong base64": (
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        b"!!!!!\r\n--x--\r\n",
        "x",
    ),
    "unknown transfer encoding": (
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\nContent-Transfer-Encoding: z\r\n\r\n'
        b"a\r\n--x--\r\n",
        "x",
    ),
    "broken gzip": (
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\nContent-Encoding: gzip\r\n\r\n'
        b"a\r\n--x--\r\n",
        "x",
    ),
    "no utf-8": (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\xfe\r\n--x--\r\n', "x"),
    "a long head": (b"--x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", "x"),
    "many heads": (b"--x\r\n" + b"X: a\r\n" * 5000 + b"\r\n", "x"),
    "many parts": (PART.join([b""] + [b"data\r\n"] * 200) + b"--x--\r\n", "x"),
    "a long text": (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"a" * 70_000 + b"\r\n--x--\r\n", "x"),
    "a long boundary": (PART, "x" * 200),
}


@pytest.mark.parametrize("lie", LYING)
async def test_a_form_that_lies_is_an_error(tmp_path: Path, sample: Sample, lie: str) -> None:
    body, boundary = LYING[lie]
    async with http_house(tmp_path, sample.endpoints) as it:
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        async with it.client.post("/upload", data=body, headers=headers) as answer:
            assert answer.status == 400, await answer.text()
            await error_of(answer)
        await assert_serves(it)


@pytest.mark.parametrize("boundary", ["", '"', "x\ty", "ü"])
async def test_a_form_needs_a_boundary(tmp_path: Path, sample: Sample, boundary: str) -> None:
    async with http_house(tmp_path, sample.endpoints) as it:
        kind = f"multipart/form-data; boundary={boundary}" if boundary else "multipart/form-data"
        async with it.client.post("/upload", data=b"--\r\n", headers={"Content-Type": kind}) as answer:
            assert answer.status == 400


async def test_a_form_is_read(tmp_path: Path, sample: Sample) -> None:
    form = aiohttp.FormData()
    form.add_field("name", "Anna")
    form.add_field("tag", "a")
    form.add_field("tag", "ü")
    form.add_field("clip", io.BytesIO(bytes(3 * MIB)), filename="../../etc/passwd")
    async with http_house(tmp_path, sample.endpoints) as it, it.client.post("/upload", data=form) as answer:
        assert await answer.json() == {"texts": {"name": ["Anna"], "tag": ["a", "ü"]}, "sizes": [3 * MIB]}


async def test_200_connections_at_once_are_all_served(tmp_path: Path, sample: Sample) -> None:
    async def ask(it: HttpHouse, number: int) -> str:
        async with it.raw() as (reader, writer):
            body = json.dumps({"text": str(number)}).encode()
            kind = "Content-Type: application/json"
            writer.write(head("POST", "/echo", kind, f"Content-Length: {len(body)}", "Connection: close") + body)
            answer = await said(reader)
            return str(json.loads(answer.partition(b"\r\n\r\n")[2])["text"])

    async with http_house(tmp_path, sample.endpoints) as it:
        texts = await asyncio.gather(*(ask(it, number) for number in range(200)))
    assert texts == [str(number) for number in range(200)]


async def test_connections_that_only_lie_open_make_room(tmp_path: Path) -> None:
    async with http_house(tmp_path, max_connections=20) as it, AsyncExitStack() as open_ones:
        for _ in range(200):
            await open_ones.enter_async_context(it.raw())
        await assert_serves(it)
        await eventually(lambda: it.server.connections <= 20)


async def test_where_all_connections_are_busy_the_next_is_told_so(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints, max_connections=3) as it, AsyncExitStack() as open_ones:
        for _ in range(3):
            _, writer = await open_ones.enter_async_context(it.raw())
            writer.write(head("GET", "/stream"))
        await eventually(lambda: sample.streams == 3)
        for _ in range(10):
            async with it.client.get("/health") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
                assert (await error_of(answer))["code"] == "busy"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert sample.streams == 3


async def test_one_address_leaves_places_to_others(tmp_path: Path, sample: Sample) -> None:
    limits: dict[str, Any] = {"max_connections_per_address": 3, "trust": STRANGERS}
    async with http_house(tmp_path, sample.endpoints, **limits) as it, AsyncExitStack() as open_ones:
        crowd = await open_ones.enter_async_context(it.coming_from(STRANGER, headers=BEARER))
        streams = [await open_ones.enter_async_context(crowd.get("/stream")) for _ in range(3)]
        async with crowd.get("/health") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
            error = await error_of(answer)
            assert error["code"] == "busy"
            assert "http.max_connections_per_address" in error["message"]
        async with it.coming_from("127.0.0.8", headers=BEARER) as other, other.get("/health") as answer:
            assert answer.status == 200
        streams[0].close()
        await eventually(lambda: sample.streams == 2)
        async with crowd.get("/health") as answer:
            assert answer.status == 200


async def test_over_https_a_newcomer_without_a_place_is_told_so_as_well(tmp_path: Path, sample: Sample) -> None:
    pem, key = certificate(tmp_path)
    limits: dict[str, Any] = {"certificate": pem, "key": key, "max_connections": 1}
    async with (
        http_house(tmp_path, sample.endpoints, **limits) as it,
        it.coming_from("127.0.0.1") as crowd,
        crowd.get("/stream") as stream,
    ):
        await stream.content.readexactly(1)
        async with crowd.get("/health") as answer:
            assert (answer.status, (await error_of(answer))["code"]) == (503, "busy")
        stream.close()


async def test_idle_connections_of_an_address_make_room_for_its_next(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"max_connections_per_address": 3, "trust": STRANGERS}
    async with http_house(tmp_path, **limits) as it, AsyncExitStack() as open_ones:
        for _ in range(20):
            await open_ones.enter_async_context(bare(it, STRANGER))
        await eventually(lambda: it.server.connections <= 3)
        async with it.coming_from(STRANGER) as stranger, stranger.get("/health") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.7", "unix"])
async def test_who_may_stand_for_many_is_not_counted(tmp_path: Path, sample: Sample, address: str) -> None:
    path = tmp_path / "koe.sock"
    listen = [f"unix://{path}"] if address == "unix" else ["tcp://127.0.0.1:0"]
    limits: dict[str, Any] = {"max_connections_per_address": 1, "trust": STRANGERS, "ingress": True}
    async with http_house(tmp_path, sample.endpoints, listen=listen, **limits) as it, AsyncExitStack() as open_ones:
        for _ in range(5):
            writer = await open_ones.enter_async_context(bare(it, path if address == "unix" else address))
            writer.write(head("GET", "/stream"))
        await eventually(lambda: sample.streams == 5)


async def test_no_more_than_the_limit_come_in_with_one_rush(tmp_path: Path, sample: Sample) -> None:
    async def rush(it: HttpHouse) -> bytes:
        async with it.raw() as (reader, writer):
            writer.write(head("GET", "/stream"))
            said_first = b""
            # Whoever was idle when a newcomer needed its place was cut off.
            with contextlib.suppress(ConnectionError):
                said_first = await reader.read(12)
            beginnings.append(said_first)
            await over.wait()
            return said_first

    beginnings: list[bytes] = []
    over = asyncio.Event()
    async with http_house(tmp_path, sample.endpoints, max_connections=10) as it:
        rushing = [asyncio.create_task(rush(it)) for _ in range(60)]
        await eventually(lambda: len(beginnings) == 60)
        assert sample.streams == it.server.connections == 10
        over.set()
        answers = await asyncio.gather(*rushing)
    assert answers.count(b"HTTP/1.1 200") == 10
    assert set(answers) <= {b"HTTP/1.1 200", b"HTTP/1.1 503", b""}


async def test_requests_in_one_go_are_answered_in_their_order(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, it.raw() as (reader, writer):
        last = head("GET", "/named/last", "Connection: close")
        writer.write(b"".join(head("GET", f"/named/n{number}") for number in range(100)) + last)
        answers = await said(reader)
        places = [answers.find(b'"n%d"' % number) for number in range(100)] + [answers.find(b'"last"')]
        assert -1 not in places
        assert places == sorted(places)


async def test_a_stop_lets_a_request_finish(tmp_path: Path, sample: Sample) -> None:
    body = b'{"text": "slowly"}'
    async with http_house(tmp_path, sample.endpoints, grace=PATIENCE) as it, it.raw() as (reader, writer):
        writer.write(head("POST", "/echo", "Content-Type: application/json", f"Content-Length: {len(body)}"))
        await eventually(lambda: it.server.busy == 1)
        port, stopping = it.port, asyncio.create_task(it.server.stop(PATIENCE))
        await eventually(lambda: not it.server.uris)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(body)
        assert b'"slowly"' in await said(reader)
        await stopping


async def test_a_stop_tells_those_who_wait_and_breaks_off_those_who_listen(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, it.raw() as waiting, it.raw() as listening:
        waiting[1].write(head("POST", "/echo", "Content-Type: application/json", "Content-Length: 10"))
        listening[1].write(head("GET", "/stream"))
        drinking = asyncio.create_task(said(listening[0]))
        await eventually(lambda: it.server.busy == 2)
        await it.server.stop(0.05)
        answer = await said(waiting[0])
        assert answer.split()[1] == b"503"
        assert b"shutting-down" in answer
        assert not (await drinking).endswith(b"0\r\n\r\n")
        assert sample.streams == 0


async def test_a_stop_in_the_middle_of_everything_ends(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints) as it, AsyncExitStack() as open_ones:
        for number in range(50):
            _, writer = await open_ones.enter_async_context(it.raw())
            writer.write(head("GET", "/stream")[: number * 2])
        async with asyncio.timeout(PATIENCE):
            await it.server.stop(0.0)
        assert it.server.connections == 0


async def test_each_request_is_one_line(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "koe")
    async with http_house(tmp_path, sample.endpoints) as it:
        async with it.client.post("/echo", json={"text": "secret words"}) as answer:
            length = len(await answer.read())
            request_id = answer.headers["X-Request-Id"]
        async with it.client.get("/named/secret?secret=1") as answer:
            await answer.read()
    lines = [record for record in caplog.records if record.name.endswith("server_log")]
    fields: list[dict[str, Any]] = [getattr(record, "fields", {}) for record in lines]
    assert [(each["method"], each["path"], each["status"]) for each in fields] == [
        ("POST", "/echo", 200),
        ("GET", "/named/{name}", 200),
    ]
    assert fields[0]["request_id"] == request_id
    # With its head.
    assert fields[0]["bytes"] > length
    assert 0 <= fields[0]["seconds"] < PATIENCE
    assert "secret" not in caplog.text


async def test_a_flood_of_small_requests_leaves_turns_to_others(tmp_path: Path, sample: Sample) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with http_house(tmp_path, sample.endpoints, requests_per_minute=100_000) as it, it.raw() as (reader, writer):
        counting = asyncio.create_task(count_turns())
        writer.write(head("GET", "/health") * 2000 + head("GET", "/health", "Connection: close"))
        await said(reader)
        counting.cancel()
    assert turns > 1000
