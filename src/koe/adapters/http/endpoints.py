"""One entry for each thing that the HTTP side can do: the routes, the checks and the OpenAPI document are made of them.

ENDPOINTS = (
    Endpoint("POST", "/v1/audio/speech", speech, "Speak a text.", body=SpeechBody, answers={200: AUDIO}),
)
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, WithJsonSchema

FormFile = Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]
"""A file in a form."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Answer = type[BaseModel] | str
"""A model for JSON, or a content type such as `audio/wav` or `text/event-stream`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    path: str
    """As aiohttp writes it: `/api/voices/{voice_id}`."""

    handler: Handler
    summary: str
    """One line for people."""

    tag: str = ""
    """The chapter of the documentation."""

    body: type[BaseModel] | None = None
    """Of a JSON request."""

    uploads: bool = False
    """Whether it takes multipart/form-data (as well), which may be larger."""

    form: type[BaseModel] | None = None
    """What is in such a form; its files are of FormFile."""

    raw: tuple[str, ...] = ()
    """Content types of bodies that are taken as they are: `application/zip`."""

    query: type[BaseModel] | None = None
    answers: Mapping[int, Answer | tuple[Answer, ...]] = field(default_factory=dict)
    """By status, besides those that any request may get (400, 401, 403, 404, 413, 429, 500, 503)."""

    needs_token: bool = True
