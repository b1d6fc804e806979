"""Where the jobs are: on a server that is named, on the one that works in this data folder, or here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import typer

from koe.cli.state import load_settings
from koe.core.errors import EngineUnavailable, SettingsError
from koe.settings.names import TOKEN

if TYPE_CHECKING:
    from koe.adapters.http.jobs.bodies import ItemAnswer, JobAnswer, JobEntry
    from koe.cli.jobs.client import Client
    from koe.pipelines.again import Seeds
    from koe.settings import Loaded


class Jobs(Protocol):
    @property
    def remote(self) -> str:
        """What commands need to find the same jobs again."""
        ...

    async def jobs(self) -> list[JobEntry]: ...
    async def job(self, job_id: str, /) -> JobAnswer: ...
    async def failed(self, job_id: str, limit: int, /) -> list[ItemAnswer]: ...
    async def change(self, verb: str, job_id: str, /) -> JobAnswer: ...
    async def remove(self, job_id: str, /) -> None: ...
    async def submit(self, file: Path, kind: str, title: str, request: Mapping[str, Any], /) -> JobAnswer: ...
    async def again(self, run_id: str, seed: Seeds, /) -> JobAnswer: ...
    async def before(self) -> int:
        """Jobs whose turn comes before that of a new one."""
        ...

    def watch(self, job_id: str, /) -> AsyncGenerator[JobEntry]: ...
    async def fetch(self, run_id: str, folder: Path, /) -> list[Path]: ...
    async def place(self, run_id: str, /) -> str: ...
    async def leave(self, job_id: str, /) -> str: ...


@asynccontextmanager
async def to_look(context: typer.Context, server: str | None) -> AsyncIterator[Jobs]:
    """Raises KoeError."""
    if server is not None:
        async with there(context, server) as client:
            yield client
    else:
        from koe.cli.jobs.here import looking

        async with looking(load_settings(context)) as here:
            yield here


@asynccontextmanager
async def to_change(context: typer.Context, server: str | None, *, speaking: bool) -> AsyncIterator[Jobs]:
    """`speaking`: whether jobs are to be carried out. Raises KoeError."""
    if server is not None:
        async with there(context, server) as client:
            yield client
        return
    from koe.app import outputs_of
    from koe.cli.jobs.here import looking, working

    loaded = load_settings(context)
    outputs = outputs_of(loaded)
    try:
        try:
            outputs.serve()
        except SettingsError:
            # Another process has the folder: a server, most likely.
            try:
                async with there(context, _loopback(loaded)) as client:
                    yield client
            except EngineUnavailable as error:
                raise EngineUnavailable(f"another Koe works in {loaded.data_dir}, and {error.message}") from error
            return
        async with working(loaded, outputs) if speaking else looking(loaded) as here:
            yield here
    finally:
        outputs.close()


@asynccontextmanager
async def there(context: typer.Context, server: str) -> AsyncIterator[Client]:
    from koe.cli.jobs.client import connect

    token = os.environ.get(TOKEN, "").strip()
    # This house's own token is nobody else's business.
    if not token and _is_here(server):
        token = _kept_token(context)
    async with connect(server, token) as client:
        yield client


def _is_here(server: str) -> bool:
    from koe.adapters.http.security import is_loopback

    with contextlib.suppress(ValueError):
        host = urlsplit(server).hostname or ""
        return host == "localhost" or is_loopback(host)
    return False


def _kept_token(context: typer.Context) -> str:
    """Of the data folder; empty where there is none."""
    from koe.adapters.http.tokens import token_path

    loaded = load_settings(context)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return token_path(loaded.settings.http, loaded.data_dir).read_text(encoding="ascii").strip()
    return ""


def _loopback(loaded: Loaded) -> str:
    """Where the server of this data folder should be. Raises SettingsError where the settings don't tell."""
    http = loaded.settings.http
    for address in http.listen if http.enabled and http.certificate is None else ():
        if address.kind == "tcp" and address.port and address.host in ("*", "0.0.0.0", "127.0.0.1", "localhost"):
            return f"http://127.0.0.1:{address.port}"
    raise SettingsError(
        f"another Koe works in {loaded.data_dir / 'outputs'}: wait for it, or name the server with --server, such as "
        "http://127.0.0.1:10211"
    )
