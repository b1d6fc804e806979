"""`GET /api/history`: what was spoken and made, found by text and by what is known of it."""

import asyncio

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_query
from koe.adapters.http.runs import TAG, outputs_of
from koe.adapters.http.runs_bodies import HistoryAnswer, HistoryEntry, HistoryQuery, Indexing
from koe.storage.history import Entry, Query


async def search(request: web.Request) -> web.Response:
    asked = read_query(request, HistoryQuery)
    outputs = outputs_of(request)
    query = Query(
        text=asked.q,
        **asked.model_dump(include={"voice", "task", "engine", "language", "favourite", "pinned", "since", "until"}),
    )
    page = await asyncio.to_thread(lambda: outputs.search(query, cursor=asked.cursor, limit=asked.limit))
    progress = outputs.indexing
    answer = HistoryAnswer(
        runs=[_shown(entry) for entry in page.entries],
        next=page.next,
        indexing=Indexing(done=progress[0], total=progress[1]) if progress is not None else None,
    )
    return json_answer(answer)


def _shown(entry: Entry) -> HistoryEntry:
    return HistoryEntry(**{name: getattr(entry, name) for name in HistoryEntry.model_fields})


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/history",
        search,
        "Finished runs, the newest first.",
        tag=TAG,
        query=HistoryQuery,
        answers={200: HistoryAnswer},
    ),
)
