"""A running server, over HTTP: its jobs, and announcements."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError
from yarl import URL

from koe.adapters.http.announce import AnnounceAnswer, AnnounceBody, RoomList
from koe.adapters.http.jobs.bodies import ItemAnswer, ItemList, JobAnswer, JobEntry, JobList
from koe.core.errors import EngineUnavailable, KoeError, RequestError, SettingsError
from koe.core.installation import command
from koe.pipelines.again import Seeds
from koe.pipelines.plan import DryRun
from koe.settings.names import TOKEN
from koe.storage.jobs import SOURCE
from koe.storage.meta import INPUT, Artifact

_Model = TypeVar("_Model", bound=BaseModel)

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 120.0
"""A dry run of a long book takes its time; a stream of events is never silent for as long."""

_SLOWEST = 16 * 1024
"""Bytes a second of an upload."""

_PIECE = 256 * 1024


class _RunFiles(BaseModel):
    files: list[Artifact]


class Client:
    """`koe.cli.jobs.place.Jobs`, elsewhere, and what else commands ask of a server."""

    def __init__(self, session: aiohttp.ClientSession, server: URL) -> None:
        self._session, self.server = session, server

    @property
    def remote(self) -> str:
        return f" --server {self.server}"

    async def jobs(self) -> list[JobEntry]:
        return (await self._ask("GET", "jobs", JobList)).jobs

    async def job(self, job_id: str) -> JobAnswer:
        return await self._ask("GET", _path("jobs", job_id), JobAnswer)

    async def failed(self, job_id: str, limit: int) -> list[ItemAnswer]:
        path = _path("jobs", job_id, "items")
        return (await self._ask("GET", f"{path}?state=failed&limit={limit}", ItemList)).items

    async def change(self, verb: str, job_id: str) -> JobAnswer:
        return await self._ask("POST", _path("jobs", job_id, verb), JobAnswer)

    async def remove(self, job_id: str) -> None:
        async with self._asked("DELETE", _path("jobs", job_id)):
            pass

    async def plan(self, file: Path, kind: str, request: Mapping[str, Any]) -> DryRun:
        return await self._send("jobs/plan", DryRun, file, kind, "", request)

    async def submit(self, file: Path, kind: str, title: str, request: Mapping[str, Any]) -> JobAnswer:
        return await self._send("jobs", JobAnswer, file, kind, title, request)

    async def again(self, run_id: str, seed: Seeds) -> JobAnswer:
        return await self._ask("POST", _path("runs", run_id, "regenerate"), JobAnswer, json={"seed": seed})

    async def before(self) -> int:
        return sum(not job.state.ended and job.state != "paused" for job in await self.jobs())

    async def watch(self, job_id: str) -> AsyncGenerator[JobEntry]:
        """The job now, and whenever it has changed, until it has ended."""
        async with self._asked("GET", _path("jobs", job_id, "events"), deadline=None) as answer:
            name = ""
            async for line in answer.content:
                field, _, value = line.decode(errors="replace").strip().partition(": ")
                if field == "event":
                    name = value
                elif field == "data" and name == "job":
                    yield _read(JobEntry, value)
                elif field == "data":
                    raise RequestError(_message(value))

    async def fetch(self, run_id: str, folder: Path) -> list[Path]:
        """The run's files, in this folder."""
        run = await self._ask("GET", _path("runs", run_id), _RunFiles)
        fetched = []
        for name in (file.name for file in run.files if file.name not in (INPUT, SOURCE)):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            async with self._asked("GET", _path("runs", run_id, "files", name), deadline=None) as answer:
                with target.open("wb") as written:
                    async for piece in answer.content.iter_chunked(_PIECE):
                        written.write(piece)
            fetched.append(target)
        return fetched

    async def place(self, run_id: str) -> str:
        return f"{self.server}/api/runs/{run_id}/zip"

    async def leave(self, job_id: str) -> str:
        """What becomes of a job that nobody here waits for any more."""
        return f"The server goes on with it: {command(f'jobs show {job_id}{self.remote}')}"

    async def rooms(self) -> RoomList:
        return await self._ask("GET", "rooms", RoomList)

    async def announce(self, wanted: AnnounceBody) -> AnnounceAnswer:
        """Until it has been heard."""
        body = wanted.model_dump(mode="json")
        return await self._ask("POST", "announce", AnnounceAnswer, json=body, deadline=None)

    async def _send(
        self, path: str, model: type[_Model], file: Path, kind: str, title: str, request: Mapping[str, Any]
    ) -> _Model:
        form = aiohttp.FormData(default_to_multipart=True)
        for name, text in (("kind", kind), ("title", title), *((name, json.dumps(request[name])) for name in request)):
            form.add_field(name, text)
        with file.open("rb") as source:
            form.add_field("file", source, filename="source")
            deadline = _SILENCE_SECONDS + os.fstat(source.fileno()).st_size / _SLOWEST
            return await self._ask("POST", path, model, data=form, deadline=deadline)

    async def _ask(self, method: str, path: str, model: type[_Model], **options: Any) -> _Model:
        async with self._asked(method, path, **options) as answer:
            return _read(model, await answer.read())

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, *, deadline: float | None = _SILENCE_SECONDS, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """`deadline`: seconds for all of it; None: silence alone ends it. Raises RequestError with the server's own
        words, EngineUnavailable where none answers."""
        try:
            # As it is: a `/` within a name is quoted.
            url = URL(f"{self.server}/api/{path}", encoded=True)
            async with asyncio.timeout(deadline), self._session.request(method, url, **options) as answer:
                if answer.status >= 400:
                    hint = f" (the variable {TOKEN} or config/token)" if answer.status == 401 else ""
                    raise RequestError(_message(await answer.text(errors="replace")) + hint)
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            told = str(error) or "it doesn't answer"
            raise EngineUnavailable(f"the server {self.server} can't be asked: {told}") from error


@asynccontextmanager
async def connect(server: str, token: str) -> AsyncIterator[Client]:
    """`server`: such as http://127.0.0.1:10211. Nothing is asked of it yet. Raises SettingsError."""
    try:
        url = URL(server.rstrip("/"))
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise SettingsError(f"--server: {server!r} is no address: write one like http://192.168.1.5:10211")
    timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        yield Client(session, url)


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _read(model: type[_Model], data: str | bytes) -> _Model:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise KoeError(f"the server's answer isn't understood: {error.errors()[0]['msg']}") from None


def _message(text: str) -> str:
    try:
        return str(TypeAdapter(dict[str, Any]).validate_json(text)["error"]["message"])
    except (ValidationError, KeyError, TypeError):
        return " ".join(text[:300].split()) or "the server refused, and said nothing"
