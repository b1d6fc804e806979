"""One line for each request. It names the path's template, never the path or the query: those may hold names, texts or
tokens."""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from koe.adapters.http.metrics import METRICS
from koe.adapters.http.server_connection import Connection
from koe.logs import current_request

_log = logging.getLogger(__name__)

_PROBES = ("/health", "/ready", "/metrics", "/page/{version}/{file}", "/api/log", "/api/requests")
"""Asked every few seconds, or by the dozen: worth a line only where something is wrong, or somebody debugs."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

GONE = 499
"""The status, as nginx has it, where the client left before its answer."""


class RequestLog(AbstractAccessLogger):
    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        write_line(request, response.status, time, getattr(response, "body_length", 0))


def write_line(request: web.BaseRequest, status: int, seconds: float, sent: int) -> None:
    connection = request.protocol
    path = connection.template if isinstance(connection, Connection) else ""
    known, path = bool(path), path or "(no HTTP)"
    method = request.method if request.method in _METHODS else "OTHER"
    level = logging.DEBUG if path in _PROBES and status < 400 else logging.INFO
    fields = {"method": method, "path": path, "status": status, "seconds": round(seconds, 4), "bytes": sent}
    line = "%s %s: %d in %.3f s, %d bytes"
    extra = {"fields": {**fields, "request_id": current_request.get()}}
    _log.log(level, line, method, path, status, seconds, sent, extra=extra)
    if known and isinstance(request, web.Request):
        request.app[METRICS].answered(method, path, status)
