"""Who gets in, and who doesn't. One machine plays all of them: addresses of 127.0.0.0/8 stand for those of a LAN."""

import asyncio
import multiprocessing
import os
import socket
import ssl
import stat
import subprocess
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict

from koe.adapters.http.limits_rate import RateLimit
from koe.adapters.http.security import is_loopback
from koe.adapters.http.security_hosts import Hosts, from_elsewhere
from koe.adapters.http.security_sessions import LIFETIME, Sessions, sessions_path
from koe.adapters.http.tokens import load_or_make_token, same_token, token_path
from koe.core.errors import SettingsError
from koe.settings.schema.http import HttpSettings
from tests.support.http_house import BEARER, STRANGER, STRANGERS, TOKEN, HttpHouse, http_house

SUPERVISOR = STRANGERS.supervisor
GUARDED = "/metrics"
INGRESS = "/api/hassio_ingress/a"
FORGED = [
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Real-IP": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1"},
    {"X-Ingress-Path": "/api/hassio_ingress/abc"},
    {"X-Forwarded-For": SUPERVISOR, "X-Ingress-Path": "/api/hassio_ingress/abc"},
    {"X-Remote-User-Id": "admin", "X-Hass-Source": "core.ingress"},
]


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def status(client: aiohttp.ClientSession, path: str = GUARDED, method: str = "GET", **options: object) -> int:
    async with client.request(method, path, **options) as answer:  # type: ignore[arg-type]
        return answer.status


async def code(client: aiohttp.ClientSession, path: str = GUARDED, method: str = "GET", **options: object) -> str:
    async with client.request(method, path, **options) as answer:  # type: ignore[arg-type]
        return str((await answer.json())["error"]["code"])


async def test_this_machine_needs_no_token(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it:
        assert await status(it.client) == 200
        # OpenAI's client always sends a key; here it may be any.
        assert await status(it.client, headers={"Authorization": "Bearer sk-anything"}) == 200


async def test_everybody_else_needs_the_token(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(STRANGER) as stranger:
        for given in (
            None,
            "",
            "Bearer",
            "Bearer ",
            "Bearer x",
            f"Basic {TOKEN}",
            TOKEN,
            f"Bearer {TOKEN}x",
            "Bearer ü",
        ):
            async with stranger.get(GUARDED, headers={"Authorization": given} if given is not None else {}) as answer:
                assert answer.status == 401, given
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
                assert (await answer.json())["error"]["type"] == "authentication_error"
        assert await status(stranger, headers=BEARER) == 200
        assert await status(stranger, headers={"Authorization": f"bearer  {TOKEN} "}) == 200


async def test_an_address_of_this_machine_that_others_can_reach_needs_the_token(tmp_path: Path) -> None:
    listen = ("tcp://127.0.0.5:0",)
    async with http_house(tmp_path, trust=STRANGERS, listen=listen) as it, it.coming_from("127.0.0.1") as client:
        assert await status(client) == 401
        assert await status(client, headers=BEARER) == 200


async def test_without_a_token_nobody_else_gets_in(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS, token=None) as it, it.coming_from(STRANGER) as stranger:
        assert await status(it.client) == 200
        for given in ("", "None", TOKEN):
            assert await status(stranger, headers={"Authorization": f"Bearer {given}"}) == 401


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_health_needs_no_token_and_needs_nothing_else(tmp_path: Path, path: str) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(STRANGER) as stranger:
        assert await status(stranger, path) == 200


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/docs", "/nothing", "/api/voices/x", "/%2e%2e/x"])
async def test_a_stranger_learns_of_no_path(tmp_path: Path, path: str) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(STRANGER) as stranger:
        assert await status(stranger, path) == 401


@pytest.mark.parametrize("forged", FORGED, ids=str)
@pytest.mark.parametrize("ingress", [False, True])
async def test_headers_make_nobody_trusted(tmp_path: Path, forged: Mapping[str, str], ingress: bool) -> None:
    async with http_house(tmp_path, trust=STRANGERS, ingress=ingress) as it, it.coming_from(STRANGER) as stranger:
        assert await status(stranger, headers=forged) == 401


@pytest.mark.parametrize("forged", FORGED[:5], ids=str)
async def test_whoever_comes_through_a_proxy_on_this_machine_is_not_this_machine(
    tmp_path: Path, forged: Mapping[str, str]
) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it:
        assert await status(it.client, headers=forged) == 401
        assert await status(it.client, headers={**forged, **BEARER}) == 200


async def test_the_supervisor_needs_no_token_where_ingress_is_on(tmp_path: Path) -> None:
    headers = {
        "Host": "home.example.org:8123",
        "X-Forwarded-For": "192.0.2.9",
        "X-Ingress-Path": "/api/hassio_ingress/a",
    }
    async with http_house(tmp_path, trust=STRANGERS, ingress=True) as it, it.coming_from(SUPERVISOR) as supervisor:
        assert await status(supervisor, headers=headers) == 200
        own = {**headers, "Origin": "https://home.example.org:8123"}
        assert await status(supervisor, "/api/session", "DELETE", headers=own) == 204
        foreign = {**headers, "Origin": "https://evil.example"}
        assert await code(supervisor, "/api/session", "DELETE", headers=foreign) == "foreign-origin"
        forwarded = {"X-Forwarded-Host": "home.example.org", "Origin": "https://home.example.org"}
        assert await status(supervisor, "/api/session", "DELETE", headers=forwarded) == 204
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(SUPERVISOR) as supervisor:
        assert await status(supervisor, headers={"X-Ingress-Path": INGRESS}) == 401


def test_only_loopback_is_this_machine() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "unix")))
    assert not any(
        map(is_loopback, ("192.168.1.5", "10.0.0.1", "172.30.32.2", "::", "0.0.0.0", "fe80::1", "2001:db8::1"))
    )


async def test_an_ipv4_client_of_an_ipv6_socket_is_known_by_its_own_address(tmp_path: Path) -> None:
    async with http_house(tmp_path, listen=("tcp://*:0",)) as it, aiohttp.ClientSession() as client:
        for host in ("127.0.0.1", "localhost"):
            assert await status(client, f"http://{host}:{it.port}{GUARDED}") == 200


async def test_a_unix_socket_is_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "koe.sock"
    async with http_house(tmp_path, listen=(f"unix://{path}",), trust=STRANGERS) as it:
        assert it.server.uris == [f"unix://{path}"]
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as client:
            assert await status(client, f"http://localhost{GUARDED}") == 200
            assert await status(client, f"http://localhost{GUARDED}", headers={"X-Forwarded-For": "192.0.2.1"}) == 401
    assert not path.exists()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:10211",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.local",
        "0.0.0.0",
        "[::]",
        "",
        "localhost/",
        "user@localhost",
        "a b",
        "[::1",
        "localhost:99999999",
    ],
)
async def test_a_foreign_name_is_refused(tmp_path: Path, host: str) -> None:
    async with http_house(tmp_path) as it, it.raw() as (reader, writer):
        writer.write(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        assert answer.split()[1] in (b"421", b"400")
        assert b'"ok"' not in answer


async def test_a_request_without_a_name_or_with_two_is_refused(tmp_path: Path) -> None:
    for hosts in ("", "Host: localhost\r\nHost: evil.example\r\n"):
        async with http_house(tmp_path) as it, it.raw() as (reader, writer):
            writer.write(f"GET /health HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
            answer = await reader.read()
            assert answer.split()[1] in (b"421", b"400")


async def test_the_machines_own_names_are_known(tmp_path: Path) -> None:
    names = [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1:10211",
        "[::1]:10211",
        "192.168.1.5",
        "koe.example.org",
        "koe.localhost",
    ]
    names += [socket.gethostname(), "Koe.Example.Org.:8443"]
    async with http_house(tmp_path, allowed_hosts=("koe.example.org",)) as it:
        for name in names:
            assert await status(it.client, headers={"Host": name}) == 200, name
        assert await code(it.client, headers={"Host": "other.example.org"}) == "unknown-host"


def test_names_that_the_machine_announces_are_known() -> None:
    hosts = Hosts("Kitchen", ())
    assert all(map(hosts.know, ("kitchen", "kitchen.local", "KITCHEN.local.:10211", "kitchen-2.local")))
    assert not any(map(hosts.know, ("kitchen2.local", "other.local", "kitchen.example", "kitchen.local.example")))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "file://", "http://[", ""])
async def test_a_page_of_another_site_changes_nothing(tmp_path: Path, origin: str) -> None:
    async with http_house(tmp_path) as it:
        for method in ("POST", "DELETE", "PUT"):
            assert await code(it.client, "/api/session", method, headers={"Origin": origin}) == "foreign-origin"


async def test_a_page_of_another_site_opens_no_websocket(tmp_path: Path) -> None:
    asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "http://evil.example"}
    async with http_house(tmp_path) as it:
        assert await code(it.client, "/ws/speech", headers=asked) == "foreign-origin"
        assert await code(it.client, "/ws/speech", headers={**asked, "Origin": it.url}) == "not-found"


async def test_its_own_page_may_do_everything(tmp_path: Path) -> None:
    async with http_house(tmp_path) as it:
        headers = {"Origin": it.url, "Sec-Fetch-Site": "same-origin"}
        assert await status(it.client, "/api/session", "DELETE", headers=headers) == 204


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {}, False),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, True),
        ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, True),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, False),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, True),
        ("POST", {"Sec-Fetch-Site": "none"}, False),
        ("POST", {"Origin": "http://koe.local"}, False),
        ("POST", {"Origin": "http://KOE.local:80"}, False),
        # A proxy in front of it may speak https.
        ("POST", {"Origin": "https://koe.local"}, False),
        ("POST", {"Origin": "https://koe.local:80"}, True),
        ("POST", {"Origin": "http://koe.local:81"}, True),
        ("POST", {"Origin": "http://koe.local.evil.example"}, True),
        ("POST", {"Origin": "http://koe.local@evil.example"}, True),
    ],
)
def test_where_a_request_comes_from(method: str, headers: dict[str, str], refused: bool) -> None:
    given = CIMultiDict(headers)
    assert from_elsewhere(method, given, ["koe.local", ""], websocket=False) is refused


async def test_a_session_stands_in_for_the_token(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(STRANGER) as stranger:
        async with stranger.post("/api/session", json={"token": TOKEN}) as answer:
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
        words = {word.strip().lower() for word in cookie.split(";")}
        assert {"httponly", "samesite=strict", "path=/"} <= words
        assert "secure" not in words
        assert TOKEN not in cookie
        signed_in = {"Cookie": cookie.split(";")[0]}
        assert await status(stranger, headers=signed_in) == 200
        assert await status(stranger, headers={"Cookie": "koe_session=guessed"}) == 401
        assert await status(stranger, "/api/session", "DELETE") == 204
        assert await status(stranger, "/api/session", "DELETE", headers=signed_in) == 204
        assert await status(stranger, headers=signed_in) == 401


async def test_a_wrong_token_makes_no_session(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it:
        for token in ("x", TOKEN[:-1], "\ud83d\ude00"):
            async with it.client.post("/api/session", json={"token": token}) as answer:
                assert answer.status == 401
                assert "Set-Cookie" not in answer.headers
        assert await status(it.client, "/api/session", "POST", json={"token": ""}) == 400
        assert await status(it.client, "/api/session", "POST", json={}) == 400


async def test_a_session_outlives_a_restart_until_it_is_ended_or_the_token_changes(tmp_path: Path) -> None:
    def started(token: str = TOKEN) -> AbstractAsyncContextManager[HttpHouse]:
        return http_house(tmp_path, token=token, trust=STRANGERS)

    async with (
        started() as it,
        it.coming_from(STRANGER) as stranger,
        stranger.post("/api/session", json={"token": TOKEN}) as answer,
    ):
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    kept = sessions_path(tmp_path)
    assert cookie.partition("=")[2] not in kept.read_text() and TOKEN not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    signed_in = {"Cookie": cookie}
    async with started("another-token-of-16-letters") as it, it.coming_from(STRANGER) as stranger:
        assert await status(stranger, headers=signed_in) == 401
    async with started() as it, it.coming_from(STRANGER) as stranger:
        assert await status(stranger, headers=signed_in) == 200
        assert await status(stranger, "/api/session", "DELETE", headers=signed_in) == 204
    async with started() as it, it.coming_from(STRANGER) as stranger:
        assert await status(stranger, headers=signed_in) == 401


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": "b"}', b"{" * 200_000, b"\xff"])
def test_a_damaged_file_of_sessions_lets_nobody_in_and_keeps_nobody_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sessions.json"
    path.write_bytes(content)
    sessions = Sessions(TOKEN, path=path)
    assert not sessions.valid("a") and not sessions.valid("")
    made = sessions.make()
    sessions.keep(sessions.dump())
    assert Sessions(TOKEN, path=path).valid(made)


def test_sessions_that_cannot_be_kept_hold_until_the_restart(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in place of the folder")
    sessions = Sessions(TOKEN, path=sessions_path(tmp_path))
    made = sessions.make()
    sessions.keep(sessions.dump())
    assert sessions.valid(made)


def test_sessions_end_and_are_bounded() -> None:
    clock = Clock()
    sessions = Sessions(TOKEN, clock)
    first = sessions.make()
    assert sessions.valid(first)
    clock.now += LIFETIME
    assert not sessions.valid(first)
    made = [sessions.make() for _ in range(1000)]
    assert sum(map(sessions.valid, made)) == 256
    assert sessions.valid(made[-1])


async def test_a_wrong_token_ten_thousand_times_locks_nobody_out(tmp_path: Path) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    async with (
        http_house(tmp_path, trust=STRANGERS, requests_per_minute=1_000_000) as it,
        it.coming_from(STRANGER) as guesser,
        it.coming_from("127.0.0.10") as owner,
    ):
        seen = [await status(guesser, headers=wrong) for _ in range(10_000)]
        assert set(seen[:10]) == {401}
        assert seen.count(429) > 9900
        assert await status(owner, headers=BEARER) == 200
        assert await status(owner, headers=wrong) == 401
        assert await status(guesser, headers=BEARER) == 200


async def test_each_address_has_its_own_rate(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS, requests_per_minute=5) as it, it.coming_from(STRANGER) as stranger:
        assert [await status(stranger, "/health") for _ in range(5)] == [200] * 5
        async with stranger.get("/health") as answer:
            assert answer.status == 429
            assert 1 <= int(answer.headers["Retry-After"]) <= 12
            assert (await answer.json())["error"]["type"] == "rate_limit_error"
        assert await status(it.client, "/health") == 200


def test_a_rate_fills_again_and_its_table_is_bounded() -> None:
    clock = Clock()
    rate = RateLimit(60, clock, kept=100)
    assert [rate.take("a") for _ in range(60)] == [0.0] * 60
    assert rate.take("a") == pytest.approx(1.0)
    assert rate.take("b") == 0.0
    clock.now += 1.0
    assert rate.take("a") == 0.0
    assert rate.take("a") > 0.0
    for number in range(10_000):
        rate.take(f"10.0.{number // 250}.{number % 250}")
    assert len(rate) == 100


def test_a_whole_ipv6_network_has_one_rate() -> None:
    rate = RateLimit(10, Clock())
    assert sum(rate.take(f"2001:db8::{n:x}") == 0.0 for n in range(100)) == 10
    assert rate.take("2001:db8:0:1::1") == 0.0


@pytest.mark.parametrize("path", ["/health", "/nothing", "/docs", "/metrics"])
async def test_every_answer_tells_browsers_to_be_careful(tmp_path: Path, path: str) -> None:
    async with http_house(tmp_path) as it, it.client.get(path) as answer:
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
        assert policy["script-src"] == policy["default-src"] == policy["frame-ancestors"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "aiohttp" not in headers["Server"]


async def test_no_other_site_may_read_an_answer(tmp_path: Path) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with http_house(tmp_path) as it, it.client.options("/api/session", headers=asked) as answer:
        assert answer.status == 405
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate of its own for localhost, and its key."""
    pem, key = str(folder / "cert.pem"), str(folder / "key.pem")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += [
        "-keyout",
        key,
        "-out",
        pem,
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]
    subprocess.run(made, check=True, capture_output=True, timeout=30)
    return pem, key


async def test_with_a_certificate_it_speaks_https(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=pem)
    async with http_house(tmp_path, certificate=pem, key=key) as it, aiohttp.ClientSession() as client:
        assert it.url == f"https://127.0.0.1:{it.port}"
        base = f"https://localhost:{it.port}"
        async with client.post(f"{base}/api/session", json={"token": TOKEN}, ssl=trusting) as answer:
            assert answer.status == 200
            assert "secure" in answer.headers["Set-Cookie"].lower()
        # Plain HTTP on that port is a failed handshake, and harms nobody.
        async with it.raw() as (reader, writer):
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200" not in await reader.read()
        assert await status(client, f"{base}/health", ssl=trusting) == 200


async def test_a_certificate_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    pem, _ = certificate(tmp_path)
    for chain, key in ((str(tmp_path / "none.pem"), None), (pem, pem), (None, pem)):
        with pytest.raises(SettingsError, match=r"http\.certificate"):
            async with http_house(tmp_path, certificate=chain, key=key):
                pass


def test_the_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = token_path(HttpSettings(), tmp_path)
    assert path == tmp_path / "config" / "token"
    previous = os.umask(0)
    try:
        token, made = load_or_make_token(path)
    finally:
        os.umask(previous)
    assert made
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make_token(path) == (token, False)
    assert [each.name for each in path.parent.iterdir()] == ["token"]


def test_a_token_that_others_can_read_is_closed_to_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "token"
    token, _ = load_or_make_token(path)
    path.chmod(0o644)
    assert load_or_make_token(path) == (token, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "others could read the token" in caplog.text
    assert token not in caplog.text


def test_a_token_that_stays_readable_for_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    load_or_make_token(path)
    path.chmod(0o640)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_or_make_token(path)


@pytest.mark.parametrize("content", [b"", b"short\n", b"two words that are long enough\n", b"\xff" * 30, b"x" * 1000])
def test_a_file_that_holds_no_token_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="holds no token"):
        load_or_make_token(path)


def test_a_token_that_cannot_be_kept_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match=r"http\.token_file"):
        load_or_make_token(tmp_path / "file" / "token")
    with pytest.raises(SettingsError, match="is no file"):
        load_or_make_token(tmp_path)


def test_two_that_start_at_once_have_one_token(tmp_path: Path) -> None:
    path = tmp_path / "config" / "token"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        results = pool.map(load_or_make_token, [path] * 16)
    assert len({token for token, _ in results}) == 1
    assert sum(made for _, made in results) == 1


def test_tokens_are_compared_whole() -> None:
    assert same_token(TOKEN, TOKEN)
    assert not any(same_token(given, TOKEN) for given in ("", TOKEN[:-1], TOKEN + "x", "ü", "\udcff"))
    assert not same_token("", None)


async def test_neither_token_nor_path_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(STRANGER) as stranger:
        await status(stranger, "/docs?token=secret-query", headers=BEARER)
        await status(stranger, "/secret-path", headers=BEARER)
        await status(stranger, "/api/session", "POST", json={"token": TOKEN})
        await status(stranger, "/api/session", "POST", json={"token": "secret-guess"})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("koe")]
    assert [line for line in ours if "GET /docs: 200" in line]
    assert [line for line in ours if "GET (unknown): 404" in line]
    assert not [line for line in ours for secret in (TOKEN, "secret") if secret in line]


async def test_many_sign_in_at_once(tmp_path: Path) -> None:
    async def sign_in(it: HttpHouse) -> int:
        async with it.client.post("/api/session", json={"token": TOKEN}) as answer:
            return answer.status

    async with http_house(tmp_path) as it:
        assert set(await asyncio.gather(*(sign_in(it) for _ in range(50)))) == {200}
