"""When each word of a run is said: made when asked for, and kept with the run."""

import asyncio
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_json, read_query
from koe.adapters.http.runs import TAG, outputs_of, run_of
from koe.core.errors import UnknownRun
from koe.core.languages import canonical
from koe.pipelines.word_files import as_srt, as_vtt
from koe.pipelines.words import WordTimer
from koe.storage.words import Words

DEADLINE = 600.0
"""Seconds that a request may take, with the wait for its turn."""

SRT, VTT = "application/x-subrip", "text/vtt"

TIMER = web.AppKey("timer", WordTimer)
"""`request.app[TIMER]`"""


def install(app: web.Application, timer: WordTimer) -> None:
    """Before the server starts; behind `runs.install`."""
    app[TIMER] = timer


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WordsBody(_Model):
    language: Annotated[str, Field(max_length=100, examples=["en"]), AfterValidator(canonical)] | None = None
    """BCP-47 tag; null: what is known of the run, or its text."""


class WordsQuery(_Model):
    format: Literal["json", "srt", "vtt"] = "json"
    """json: every word; srt, vtt: subtitles of one file."""

    file: Annotated[str, Field(max_length=200, examples=["audio.wav"])] | None = None
    """Of a production with several, which one; null: of subtitles the first, else all."""


async def make(request: web.Request) -> web.Response:
    body = await read_json(request, WordsBody)
    outputs_of(request)
    words = await request.app[TIMER].time(request.match_info["run_id"], body.language)
    return web.json_response(text=await asyncio.to_thread(words.model_dump_json), status=201)


async def show(request: web.Request) -> web.Response:
    asked = read_query(request, WordsQuery)
    run = await run_of(request)
    return await asyncio.to_thread(lambda: _shown(run.words(), asked))


def _shown(words: Words, asked: WordsQuery) -> web.Response:
    files = [file for file in words.files if asked.file in (None, file.file)]
    if not files:
        there = ", ".join(file.file for file in words.files[:20])
        raise UnknownRun(f"no words of {str(asked.file)[:100]!r} have been timed; there are those of {there}")
    if asked.format == "json":
        return json_answer(words.model_copy(update={"files": tuple(files)}))
    written, kind = (as_srt, SRT) if asked.format == "srt" else (as_vtt, VTT)
    return web.Response(text=written(files[0]), content_type=kind, charset="utf-8")


_PATH = "/api/runs/{run_id}/words"

ENDPOINTS = (
    Endpoint(
        "POST",
        _PATH,
        make,
        "Find out when each word of a run is said.",
        tag=TAG,
        body=WordsBody,
        answers={201: Words},
    ),
    Endpoint(
        "GET",
        _PATH,
        show,
        "When each word of a run is said, as JSON or as subtitles.",
        tag=TAG,
        query=WordsQuery,
        answers={200: (Words, SRT, VTT)},
    ),
)
