"""What a client's messages on `/ws/speech` mean, in the order in which they come. Waits for nothing, sends nothing.

    {"type": "start", "voice": "espeak-de"}    Begin: how to speak, as in POST /v1/audio/speech; with `input` it is
                                               the whole text, and neither text nor end follows
    {"type": "text", "text": "Guten "}         More: of a live text, cut anywhere
    {"type": "end"}                            Finish: the text is complete
    {"type": "cancel"}                         Cancel: at any time; without an utterance there is nothing to do
    {"type": "ping"}                           Pong

One utterance after the other. Text that was on its way when its utterance ended otherwise is dropped without a word.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from koe.adapters.http.errors import invalid
from koe.adapters.http.speech_body import HowToSpeak, fits_together
from koe.core.errors import MalformedInput


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StartMessage(HowToSpeak):
    type: Literal["start"]
    input: str | None = Field(default=None, min_length=1)
    response_format: Literal["pcm"] = "pcm"

    @model_validator(mode="after")
    def _fits_together(self) -> "StartMessage":
        fits_together(self)
        return self


class TextMessage(_Message):
    type: Literal["text"]
    text: str


class EndMessage(_Message):
    type: Literal["end"]


class CancelMessage(_Message):
    type: Literal["cancel"]


class PingMessage(_Message):
    type: Literal["ping"]


@dataclass(frozen=True, slots=True)
class Begin:
    how: HowToSpeak

    text: str | None
    """The whole, if it is known."""


@dataclass(frozen=True, slots=True)
class More:
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    pass


@dataclass(frozen=True, slots=True)
class Cancel:
    pass


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Leave:
    """End the conversation."""


Action = Begin | More | Finish | Cancel | Pong | Leave

_Any = StartMessage | TextMessage | EndMessage | CancelMessage | PingMessage
_MESSAGES: TypeAdapter[_Any] = TypeAdapter(Annotated[_Any, Field(discriminator="type")])


class Dialogue:
    def __init__(self) -> None:
        self._speaking = False
        self._text_open = False
        self._text_unwanted = False

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun and not ended."""
        return self._speaking

    def receive(self, data: str) -> Action | None:
        """What is to be done. Raises MalformedInput, HttpError 400; nothing is lost by it but that message."""
        match self._read(data):
            case StartMessage() as start:
                return self._start(start)
            case TextMessage(text=text):
                return More(text) if self._takes_text("text") else None
            case EndMessage():
                return self._end()
            case CancelMessage():
                return self._cancel()
            case PingMessage():
                return Pong()

    def over(self) -> None:
        """The utterance has ended: spoken, failed or cancelled."""
        self._text_unwanted = self._text_unwanted or self._text_open
        self._speaking = self._text_open = False

    def _read(self, data: str) -> _Any:
        try:
            return _MESSAGES.validate_json(data)
        except ValidationError as error:
            if error.errors(include_url=False)[0]["loc"][:1] == ("start",) and not self._speaking:
                self._text_unwanted = True
            raise invalid(error) from None

    def _start(self, start: StartMessage) -> Begin:
        if self._speaking:
            raise MalformedInput("start came before the end of the utterance before it: wait for it, or cancel it")
        self._speaking, self._text_open, self._text_unwanted = True, start.input is None, False
        return Begin(start, start.input)

    def _end(self) -> Finish | None:
        if not self._takes_text("end"):
            self._text_unwanted = False
            return None
        self._text_open = False
        return Finish()

    def _cancel(self) -> Cancel | None:
        if not self._speaking:
            return None
        self._text_unwanted, self._text_open = self._text_open, False
        return Cancel()

    def _takes_text(self, kind: str) -> bool:
        """Raises MalformedInput where no text was to come at all."""
        if not self._text_open and not self._text_unwanted:
            raise MalformedInput(f"{kind} came without a start" if not self._speaking else f"{kind} came after the end")
        return self._text_open
