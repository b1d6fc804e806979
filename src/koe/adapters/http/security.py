"""Who may ask: this machine itself, the Supervisor where ingress is on, and everybody else with the token.

    rate -> Host -> Origin -> token or session

What a request says about itself (`X-Forwarded-For`, `X-Ingress-Path`) never makes it more trusted, only less: whoever
comes through a proxy is not this machine.
"""

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError, read_json
from koe.adapters.http.limits_rate import RateLimit
from koe.adapters.http.security_hosts import Hosts, from_elsewhere
from koe.adapters.http.security_sessions import COOKIE, LIFETIME, Sessions
from koe.adapters.http.tokens import same_token
from koe.settings.schema.http import HttpSettings

SUPERVISOR = "172.30.32.2"
"""Home Assistant's Supervisor, for every add-on."""

UNIX = "unix"
"""In place of an address: the clients of a unix socket share it."""

_WRONG_TOKENS = 10
"""A minute, from one address; more are told to wait. The right one always passes."""

_PROXIED = (
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "Via",
    "X-Ingress-Path",
)
_INGRESS_PATH = re.compile(r"/api/hassio_ingress/[A-Za-z0-9_-]{1,200}")


def is_loopback(address: str) -> bool:
    return address == UNIX or ipaddress.ip_address(address).is_loopback


@dataclass(frozen=True, slots=True)
class Trust:
    """Which addresses need no token."""

    local: Callable[[str], bool] = is_loopback
    """Asked of both ends of a connection; an address without scope, or UNIX."""

    supervisor: str = SUPERVISOR


class Gate:
    def __init__(
        self,
        settings: HttpSettings,
        token: str | None,
        *,
        trust: Trust | None = None,
        clock: Callable[[], float] = time.monotonic,
        sessions: Path | None = None,
    ) -> None:
        """Without a token nobody enters but those who need none. `sessions`: where they are kept over a restart."""
        self._token, self._ingress = token, settings.ingress
        self._trust = trust or Trust()
        listen = (address.host for address in settings.listen if address.kind == "tcp" and not address.every_address)
        self._hosts = Hosts(socket.gethostname(), (*settings.allowed_hosts, *listen))
        self._requests = RateLimit(settings.requests_per_minute, clock)
        self._wrong_tokens = RateLimit(_WRONG_TOKENS, clock)
        self._secure = settings.certificate is not None
        self.sessions = Sessions(token, path=sessions)
        self._keeping = asyncio.Lock()

    def admit(self, request: web.Request, endpoint: Endpoint | None) -> None:
        """`endpoint`: None where there is nothing at this path. Raises HttpError 401, 403, 421 or 429."""
        if (wait := self._requests.take(peer_of(request))) > 0:
            raise HttpError(
                429,
                "too many requests from your address (setting http.requests_per_minute)",
                code="busy",
                retry_after=wait,
            )
        self._check_host(request)
        self._check_origin(request)
        if endpoint is None or endpoint.needs_token:
            self._check_token(request)

    def needs_no_token(self, request: web.Request) -> bool:
        """Whether it comes from this machine itself, or through Home Assistant."""
        if self._from_supervisor(request):
            return True
        both_ends = peer_of(request), _address(_extra(request, "sockname"))
        return all(map(self._trust.local, both_ends)) and not any(name in request.headers for name in _PROXIED)

    def stands_for_many(self, address: str) -> bool:
        """Whether a proxy may be there, with all the house behind it: on this machine, or Home Assistant's ingress."""
        return self._trust.local(address) or (self._ingress and address == self._trust.supervisor)

    def ingress_path(self, request: web.Request) -> str:
        """Under which Home Assistant shows the page; empty where it doesn't."""
        path = request.headers.get("X-Ingress-Path", "") if self._from_supervisor(request) else ""
        return path if _INGRESS_PATH.fullmatch(path) else ""

    async def sign_in(self, request: web.Request, token: str) -> str:
        """A session's id. Raises HttpError."""
        self._compare(request, token)
        session = self.sessions.make()
        await self._keep_sessions()
        return session

    async def sign_out(self, request: web.Request) -> None:
        if self.sessions.end(request.cookies.get(COOKIE, "")):
            await self._keep_sessions()

    def set_cookie(self, answer: web.StreamResponse, session: str) -> None:
        answer.set_cookie(
            COOKIE, session, max_age=round(LIFETIME), path="/", httponly=True, samesite="Strict", secure=self._secure
        )

    async def _keep_sessions(self) -> None:
        async with self._keeping:
            await asyncio.to_thread(self.sessions.keep, self.sessions.dump())

    def _from_supervisor(self, request: web.Request) -> bool:
        return self._ingress and peer_of(request) == self._trust.supervisor

    def _check_host(self, request: web.Request) -> None:
        hosts = request.headers.getall("Host", [])
        # Behind the ingress it's the name under which people reach Home Assistant.
        if self._from_supervisor(request) or (len(hosts) == 1 and self._hosts.know(hosts[0])):
            return
        raise HttpError(
            421,
            "this server isn't known under the name that was asked for (header Host): add it to the setting "
            "http.allowed_hosts, or use the address",
            code="unknown-host",
        )

    def _check_origin(self, request: web.Request) -> None:
        hosts = [request.headers.get("Host", "")]
        if self._from_supervisor(request):
            hosts.append(request.headers.get("X-Forwarded-Host", ""))
        websocket = request.headers.get("Upgrade", "").lower() == "websocket"
        if from_elsewhere(request.method, request.headers, hosts, websocket=websocket):
            raise HttpError(403, "a page of another site may not do this (header Origin)", code="foreign-origin")

    def _check_token(self, request: web.Request) -> None:
        if self.needs_no_token(request) or self.sessions.valid(request.cookies.get(COOKIE, "")):
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthorized("a token is needed: send it as `Authorization: Bearer ...`", "token-needed")
        self._compare(request, given.strip())

    def _compare(self, request: web.Request, given: str) -> None:
        if same_token(given, self._token):
            return
        if (wait := self._wrong_tokens.take(peer_of(request))) > 0:
            raise HttpError(429, "too many wrong tokens from your address", code="wrong-token", retry_after=wait)
        raise _unauthorized("this is not the token", "wrong-token")


GATE = web.AppKey("gate", Gate)


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=1, max_length=512, examples=["the token that was shown at the first start"])


class SignedIn(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    seconds: int = Field(examples=[604800])
    """For which the cookie is good."""


async def sign_in(request: web.Request) -> web.Response:
    gate = request.app[GATE]
    session = await gate.sign_in(request, (await read_json(request, SignIn)).token)
    answer = web.json_response(SignedIn(seconds=round(LIFETIME)).model_dump())
    gate.set_cookie(answer, session)
    return answer


async def sign_out(request: web.Request) -> web.Response:
    await request.app[GATE].sign_out(request)
    answer = web.Response(status=204)
    answer.del_cookie(COOKIE, path="/")
    return answer


def endpoints() -> Iterator[Endpoint]:
    tag = "Signing in"
    yield Endpoint(
        "POST",
        "/api/session",
        sign_in,
        "Sign in with the token: the answer sets a cookie, which a browser sends from then on.",
        tag=tag,
        body=SignIn,
        answers={200: SignedIn},
        needs_token=False,
    )
    yield Endpoint("DELETE", "/api/session", sign_out, "Sign out.", tag=tag, answers={204: ""}, needs_token=False)


def peer_of(request: web.BaseRequest) -> str:
    """The address at the other end of the connection itself, or UNIX."""
    return _address(_extra(request, "peername"))


def address_of(transport: asyncio.BaseTransport) -> str:
    """The same of a connection without a request."""
    return _address(transport.get_extra_info("peername"))


def _extra(request: web.BaseRequest, name: str) -> object:
    transport = request.transport
    # Whoever has left by now is nobody.
    return transport.get_extra_info(name) if transport is not None else ("0.0.0.0", 0)


def _address(name: object) -> str:
    if not isinstance(name, tuple):
        return UNIX
    return str(name[0]).partition("%")[0].removeprefix("::ffff:")


def _unauthorized(message: str, code: str) -> HttpError:
    return HttpError(401, message, code=code, headers={"WWW-Authenticate": 'Bearer realm="Koe"'})
