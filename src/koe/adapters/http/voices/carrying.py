"""Voices from house to house."""

import asyncio
import tempfile
from pathlib import PurePath
from typing import IO

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError, read_query
from koe.adapters.http.house import HOUSE
from koe.adapters.http.limits_form import read_form
from koe.adapters.http.voices.answers import ImportAnswer, ImportedVoice
from koe.adapters.http.voices.bodies import ExportQuery, ImportQuery
from koe.adapters.http.voices.forms import ImportForm
from koe.adapters.http.voices.listing import TAG
from koe.adapters.http.voices.reading import FORM, check_fields, readable
from koe.core.errors import NothingToSpeak
from koe.voices.store import VoiceStore
from koe.voices.transfer import export_voices, import_voices

ZIP = "application/zip"
_RAW = (ZIP, "application/x-zip-compressed", "application/octet-stream")


async def export(request: web.Request) -> web.Response:
    ids, store = read_query(request, ExportQuery).id, request.app[HOUSE].store
    file = await asyncio.to_thread(_exported, store, ids)
    headers = {"Content-Disposition": 'attachment; filename="koe-voices.zip"'}
    return web.Response(body=file, content_type=ZIP, headers=headers)


async def import_(request: web.Request) -> web.Response:
    query, store = read_query(request, ImportQuery), request.app[HOUSE].store
    archive, name = await _archive(request)
    report = await asyncio.to_thread(
        lambda: import_voices(
            store, archive, on_clash=query.on_clash, dry_run=query.dry_run, language=query.language, name=name
        )
    )
    return json_answer(
        ImportAnswer(
            imported=[ImportedVoice(there=there, here=here) for there, here in report.imported],
            skipped=list(report.skipped),
            replaced=list(report.replaced),
            warnings=list(report.warnings),
            dry_run=query.dry_run,
        )
    )


def _exported(store: VoiceStore, ids: list[str]) -> IO[bytes]:
    chosen = ids or [profile.id for profile in store.profiles() if not store.is_preset(profile.id)]
    if not chosen:
        raise NothingToSpeak("no voice was made here yet")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    try:
        export_voices(store, chosen, file)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


async def _archive(request: web.Request) -> tuple[bytes, str]:
    """And what it is called."""
    if request.content_type in _RAW and "Content-Type" in request.headers:
        return await request.read(), ""
    if request.content_type != FORM:
        raise HttpError(415, f"send {ZIP}, or a form with it ({FORM})", code="unsupported-media-type")
    form = await read_form(request)
    check_fields(form, texts=(), files=("file",))
    if len(form.files) != 1:
        raise HttpError(400, "file: send one", code="malformed-input", param="file")
    upload = form.files[0]
    return upload.content, readable(PurePath(upload.filename).stem)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/voices/export",
        export,
        "Voices and their clips in one zip.",
        tag=TAG,
        query=ExportQuery,
        answers={200: ZIP},
    ),
    Endpoint(
        "POST",
        "/api/voices/import",
        import_,
        "Bring in voices that Koe or voicebox exported: application/zip, or a form with the zip as `file`.",
        tag=TAG,
        uploads=True,
        form=ImportForm,
        raw=_RAW,
        query=ImportQuery,
        answers={200: ImportAnswer},
    ),
)
