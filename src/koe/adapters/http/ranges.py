"""Whole files that are served, or the part of one that a player asks for (RFC 9110, chapter 14).

aiohttp's FileResponse hands the file to the kernel, where a client that stops reading is never noticed: clips are
small, so they are sent as every other answer is.
"""

import hashlib
import re
from collections.abc import Mapping

from aiohttp import web

from koe.adapters.http.endpoints import Answer
from koe.adapters.http.errors import ErrorBody, HttpError

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def file_answer(request: web.Request, content: bytes, content_type: str) -> web.Response:
    """200, 206 for a range, 304 where the client has it already. Raises HttpError 416 for a range behind its end."""
    tag = hashlib.sha256(content).hexdigest()[:32]
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if any(each.value in (tag, "*") for each in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    wanted = _wanted(request, tag, len(content))
    if wanted is None:
        return web.Response(body=content, content_type=content_type, headers=headers)
    if not wanted:
        words = f"the file has only {len(content)} bytes (header Range)"
        raise HttpError(416, words, code="malformed-input", headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
    part = content[wanted.start : wanted.stop]
    return web.Response(status=206, body=part, content_type=content_type, headers=headers)


def file_answers(content_type: str) -> Mapping[int, Answer]:
    """For an Endpoint."""
    return {200: content_type, 206: content_type, 304: "", 416: ErrorBody}


def _wanted(request: web.Request, tag: str, length: int) -> range | None:
    """The bytes that are asked for, none of them where they lie behind the end; None: all. A range that can't be
    understood, or several, or one of an older file, means all, as the RFC has it."""
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or request.method != "GET" or request.headers.get("If-Range", f'"{tag}"') != f'"{tag}"':
        return None
    first, last = match[1], match[2]
    if not first:
        return range(max(0, length - int(last)), length) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(length, int(last) + 1) if last else length)
