"""What a server says where it won't or can't speak."""

import email.utils
import re
from datetime import UTC, datetime
from typing import Any

import aiohttp
from pydantic import BaseModel, ValidationError

from koe.engine.remote.failures import ServerFailure, Why

_MOST_BYTES = 64 * 1024
_MOST_WORDS = 300
"""Characters of a server's own words."""

_NO_VOICE = re.compile(r"(invalid|unknown|no|unsupported)\s+(voice|speaker)|(voice|speaker)\b.*\bnot\b", re.I)


class Refusal(BaseModel):
    """The inside of `{"error": {...}}`."""

    message: str = ""
    code: Any = None

    @property
    def told(self) -> str:
        return " ".join(self.message.split())[:_MOST_WORDS]


async def refusal(response: aiohttp.ClientResponse) -> ServerFailure:
    """Of an answer that isn't 200."""
    status, words = response.status, await told(response)
    why = _why(response, words)
    message = f"it answers {status}" + (f": {words}" if words else "")
    if why is Why.LOCKED:
        message += " (its key belongs in api_key or api_key_file)"
    if status == 413:
        message += " (with upload: true, a cloned voice is sent only once)"
    return ServerFailure(why, message, retry_after=_retry_after(response))


async def told(response: aiohttp.ClientResponse) -> str:
    """The words of an error's body; empty where there are none."""
    try:
        body = (await response.content.read(_MOST_BYTES)).decode("utf-8", "replace")
    except (aiohttp.ClientError, OSError):
        return ""
    return _words(body)


class _Errors(BaseModel):
    """As vLLM and Koe, as FastAPI, and as others word it."""

    error: Refusal | str | None = None
    detail: Any = None
    message: str = ""


def _words(body: str) -> str:
    try:
        errors = _Errors.model_validate_json(body)
    except ValidationError:
        return ""
    if isinstance(errors.error, Refusal):
        return errors.error.told
    detail = errors.detail.get("message", "") if isinstance(errors.detail, dict) else errors.detail
    return Refusal(message=str(errors.error or detail or errors.message)).told


def _why(response: aiohttp.ClientResponse, words: str) -> Why:
    match response.status:
        case 401 | 403:
            return Why.LOCKED
        case 404 | 405:
            return Why.NOT_HERE
        case 429:
            return Why.BUSY
        case 503 if "Retry-After" in response.headers:
            return Why.BUSY
        case status if status >= 500:
            return Why.BROKEN
    return reason_of(words)


def reason_of(words: str) -> Why:
    """Of a refusal that has no status of its own."""
    return Why.NOT_HERE if _NO_VOICE.search(words) else Why.REFUSED


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Seconds; 0 where it doesn't say."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal() and len(text) < 8:
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (when - datetime.now(UTC)).total_seconds()) if when.tzinfo is not None else 0.0
