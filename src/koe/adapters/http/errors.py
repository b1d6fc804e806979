"""Every answer that is an error: what it says, and how a failure becomes one.

    {"error": {"message": "speed: Input should be less than or equal to 4", "type": "invalid_request_error",
               "param": "speed", "code": "malformed-input"}}

A handler raises a KoeError, or an HttpError where it wants another status, and the server writes the answer.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from koe.adapters.http.errors_words import described
from koe.audio.arrange import Misplaced
from koe.core.errors import (
    Busy,
    ChangedMeanwhile,
    DeadlineExceeded,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    KoeError,
    RequestError,
    SettingsError,
    ShuttingDown,
    UnknownJob,
    UnknownProject,
    UnknownRoom,
    UnknownRun,
    UnknownVoice,
)
from koe.logs import current_request

_log = logging.getLogger(__name__)

_Model = TypeVar("_Model", bound=BaseModel)

RETRY_AFTER = 5
"""Seconds, where nobody knows better."""


class ErrorDetail(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    message: str
    """For people: what was wrong, and the remedy where there is one."""

    type: str
    """The family, as OpenAI's API names it: `invalid_request_error`, `server_error` and so on."""

    param: str | None = None
    """The field that was wrong: `voice`, `items.3.speed`."""

    code: str
    """For programs; never changes its meaning."""


class ErrorBody(BaseModel):
    error: ErrorDetail


class HttpError(KoeError):
    """A failure with a status of its own."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.error_code, self.param = status, code, param
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, round(retry_after)))


# The first that fits: what is more special stands before what is more general.
_STATUS: tuple[tuple[type[KoeError], int], ...] = (
    (UnknownVoice, 404),
    (UnknownRun, 404),
    (UnknownJob, 404),
    (UnknownProject, 404),
    (ChangedMeanwhile, 409),
    (UnknownRoom, 404),
    (RequestError, 400),
    (SettingsError, 400),
    (EngineUnavailable, 503),
    (EngineTimeout, 504),
    (EngineError, 502),
    (DeadlineExceeded, 504),
    (Busy, 429),
    (ShuttingDown, 503),
)

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}

_CODES = {404: "not-found", 405: "method-not-allowed", 413: "limit-exceeded", 415: "unsupported-media-type"}
"""Of what aiohttp itself refuses."""


def error_type(status: int) -> str:
    return _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")


def status_of(error: BaseException) -> int:
    if isinstance(error, HttpError | web.HTTPException):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def as_http(error: BaseException) -> HttpError:
    """The failure as an answer. One that nobody foresaw is logged, and tells nothing of itself."""
    match error:
        case HttpError():
            return error
        case ValidationError():
            return invalid(error)
        case Misplaced():
            cause = as_http(error.cause)
            return HttpError(cause.status, error.message, code=cause.error_code, param=error.place)
        case KoeError():
            status = status_of(error)
            again = RETRY_AFTER if status in (429, 503) else None
            return HttpError(status, error.message, code=error.code, retry_after=again)
        case web.HTTPException():
            return _refused_by_aiohttp(error)
        case web.RequestPayloadError():
            return HttpError(400, "the body broke off, or isn't what its headers say", code="malformed-input")
    _log.error("unexpected failure", exc_info=error)
    words = f"an unexpected failure; the server's log has the details (request {current_request.get()})"
    return HttpError(500, words, code=KoeError.code)


def invalid(error: ValidationError, model: type[BaseModel] | None = None) -> HttpError:
    """400 that names the field and what would be right."""
    param, message = described(error, model.model_fields if model is not None else ())
    return HttpError(400, message, code="malformed-input", param=param)


async def read_json(request: web.Request, model: type[_Model]) -> _Model:
    """The body of a request. Raises HttpError: 400 names the field, 408, 413, 415."""
    kind = request.content_type
    if kind != "application/json" and not kind.endswith("+json"):
        given = f", not {kind[:100]}" if "Content-Type" in request.headers else " (header Content-Type)"
        raise HttpError(415, f"send application/json{given}", code="unsupported-media-type")
    return parse_json(await request.read(), model)


def parse_json(data: bytes | str, model: type[_Model]) -> _Model:
    """Raises HttpError 400 that names the field."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise invalid(error, model) from None


def read_query(request: web.Request, model: type[_Model]) -> _Model:
    """What stands behind the `?`. A name that is given several times fills a list. Raises HttpError 400 that names the
    field."""
    given: dict[str, object] = {}
    for name in request.query:
        values = request.query.getall(name)
        field = model.model_fields.get(name)
        listed = field is not None and get_origin(field.annotation) in (list, tuple)
        given[name] = values if listed or len(values) > 1 else values[0]
    try:
        return model.model_validate(given, strict=False)
    except ValidationError as error:
        raise invalid(error, model) from None


def error_body(error: BaseException) -> ErrorBody:
    """The same as an object, for what is no answer of its own: an event, a WebSocket's message, one item of a batch."""
    failure = as_http(error)
    return ErrorBody(
        error=ErrorDetail(
            message=failure.message, type=error_type(failure.status), param=failure.param, code=failure.error_code
        )
    )


def error_answer(error: BaseException) -> web.Response:
    """The answer to a request that failed."""
    failure = as_http(error)
    return web.Response(
        status=failure.status,
        headers=failure.headers,
        text=error_body(failure).model_dump_json(),
        content_type="application/json",
    )


def _refused_by_aiohttp(error: web.HTTPException) -> HttpError:
    status = error.status
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        words = f"{error.method} isn't possible here, only {', '.join(sorted(error.allowed_methods))}"
    elif status == 404:
        words = "there is nothing at this path; /docs lists what there is"
    else:
        text = error.text or ""
        words = HTTPStatus(status).phrase if text.startswith(str(status)) else text[:300]
    return HttpError(status, words, code=_CODES.get(status, "bad-request"), headers=headers)
