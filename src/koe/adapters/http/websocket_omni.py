"""`/v1/audio/speech/stream`: the same in the words of vLLM-Omni's clients.

    client   session.config -> input.text* -> input.done                  (session.close, at any time)
    server   audio.start -> binary* -> audio.done -> session.done, or error -> session.done

The configuration holds for all utterances that follow, until the next one. The connection stays open after
`session.done`, as newer servers have it; clients of older ones close it there by themselves. The whole text is one
utterance: it is not cut into sentences that each have their own audio.start. `split_granularity`, `stream_audio` and
what POST /v1/audio/speech takes without effect have none here, either.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorDetail, error_body, invalid
from koe.adapters.http.speech import TAG
from koe.adapters.http.speech_body import FormOfAnswer, WireFormat, fits_together
from koe.adapters.http.websocket_conversation import converse_as
from koe.adapters.http.websocket_dialogue import Action, Begin, Cancel, Finish, Leave, More
from koe.core.errors import MalformedInput
from koe.speech import SpeechStats


class ConfigMessage(FormOfAnswer):
    type: Literal["session.config"]
    response_format: WireFormat = "wav"
    split_granularity: str | None = None
    stream_audio: bool | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "ConfigMessage":
        fits_together(self)
        return self


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextMessage(_Message):
    type: Literal["input.text"]
    text: str


class DoneMessage(_Message):
    type: Literal["input.done"]


class CloseMessage(_Message):
    type: Literal["session.close"]


_Any = ConfigMessage | TextMessage | DoneMessage | CloseMessage
_MESSAGES: TypeAdapter[_Any] = TypeAdapter(Annotated[_Any, Field(discriminator="type")])


class AudioStart(BaseModel):
    type: Literal["audio.start"] = "audio.start"
    utterance_index: int
    """Counted from 0."""

    sentence_index: Literal[0] = 0
    format: WireFormat
    sample_rate: int
    """Hz."""

    voice: str


class AudioDone(BaseModel):
    type: Literal["audio.done"] = "audio.done"
    utterance_index: int
    sentence_index: Literal[0] = 0
    total_bytes: int
    error: bool
    """Whether it broke off: what came before is not whole."""


class SessionDone(BaseModel):
    type: Literal["session.done"] = "session.done"
    utterance_index: int
    total_sentences: Literal[0, 1]


class Error(BaseModel):
    type: Literal["error"] = "error"
    message: str
    error: ErrorDetail


class OmniManner:
    def __init__(self) -> None:
        self._config: ConfigMessage | None = None
        self._speaking = self._text_open = self._text_unwanted = False

    @property
    def speaking(self) -> bool:
        return self._speaking

    def receive(self, data: str) -> Sequence[Action]:
        match self._read(data):
            case ConfigMessage() as config:
                self._configure(config)
                return []
            case TextMessage(text=text):
                return self._text(text)
            case DoneMessage():
                return self._done()
            case CloseMessage():
                return [Cancel(), Leave()]

    def over(self) -> None:
        # Text that was on its way when its utterance failed is dropped, up to its end.
        self._text_unwanted = self._text_unwanted or self._text_open
        self._speaking = self._text_open = False

    def began(self, number: int, sample_rate: int, stats: SpeechStats) -> BaseModel:
        format = self._config.response_format if self._config is not None else "wav"
        return AudioStart(utterance_index=number - 1, format=format, sample_rate=sample_rate, voice=stats.voice)

    def ended(self, number: int, stats: SpeechStats, sent: int, *, cancelled: bool) -> Sequence[BaseModel]:
        index = number - 1
        done = AudioDone(utterance_index=index, total_bytes=sent, error=cancelled)
        return [done, SessionDone(utterance_index=index, total_sentences=1)]

    def failed(self, number: int | None, error: Exception, sent: int | None) -> Sequence[BaseModel]:
        detail = error_body(error).error
        told = Error(message=detail.message, error=detail)
        if number is None:
            return [told]
        index = number - 1
        broken_off = [AudioDone(utterance_index=index, total_bytes=sent, error=True)] if sent is not None else []
        return [*broken_off, told, SessionDone(utterance_index=index, total_sentences=0)]

    def _read(self, data: str) -> _Any:
        try:
            return _MESSAGES.validate_json(data)
        except ValidationError as error:
            raise invalid(error) from None

    def _configure(self, config: ConfigMessage) -> None:
        if self._speaking:
            raise MalformedInput("session.config came before the session.done of the text before it")
        self._config, self._text_unwanted = config, False

    def _text(self, text: str) -> Sequence[Action]:
        if self._text_open:
            return [More(text)]
        if self._text_unwanted:
            return []
        if self._speaking:
            raise MalformedInput("input.text came after input.done: wait for session.done")
        if self._config is None:
            raise MalformedInput("input.text came without a session.config")
        self._speaking = self._text_open = True
        return [Begin(self._config, None), More(text)]

    def _done(self) -> Sequence[Action]:
        if not self._text_open and not self._text_unwanted:
            raise MalformedInput("input.done came without input.text")
        finish = [Finish()] if self._text_open else []
        self._text_open = self._text_unwanted = False
        return finish


async def converse(request: web.Request) -> web.StreamResponse:
    return await converse_as(OmniManner(), request)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/audio/speech/stream",
        converse,
        "A WebSocket as vLLM-Omni has it: session.config, input.text, input.done.",
        tag=TAG,
        answers={101: ""},
    ),
)
