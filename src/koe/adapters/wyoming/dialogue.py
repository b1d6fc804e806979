"""What an event means at this point of a conversation; decides without waiting.

    idle       --synthesize-->        a whole text             --> idle
    idle       --synthesize-start-->  a text begins            --> streaming
    streaming  --synthesize-chunk-->  more of it
    streaming  --synthesize-->        ignored: Home Assistant repeats the whole text for older servers
    streaming  --synthesize-stop-->   the text is complete     --> idle
    any        --describe, ping-->    answered at once
    any        --anything else-->     ignored

A second synthesize-start while streaming breaks the protocol and ends the connection; after a synthesize-stop it is a
further request, spoken when those before it have been.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from koe.core.errors import MalformedInput


def _well_formed(text: str) -> str:
    """JSON can hold half a surrogate pair, which no encoding can carry any further."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"no character at position {error.start}, but half of one") from None
    return text


Text = Annotated[str, AfterValidator(_well_formed)]


class _Data(BaseModel):
    """The data of an event. Keys that this version doesn't know are later versions' own, and are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)


class VoiceData(_Data):
    name: Text | None = None
    language: Text | None = None
    speaker: Text | None = None


class StartData(_Data):
    voice: VoiceData | None = None
    text_format: Literal["text", "ssml"] | None = None


class ChunkData(_Data):
    text: Text


class WholeData(StartData, ChunkData):
    pass


class PingData(_Data):
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class SendInfo:
    pass


@dataclass(frozen=True, slots=True)
class SendPong:
    text: str | None


@dataclass(frozen=True, slots=True)
class Begin:
    data: StartData

    streaming: bool
    """Whether the end of the speech is told by `synthesize-stopped`."""


@dataclass(frozen=True, slots=True)
class More:
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    pass


Action = SendInfo | SendPong | Begin | More | Finish

_Model = TypeVar("_Model", bound=_Data)


class Dialogue:
    def __init__(self) -> None:
        self._streaming = False

    @property
    def streaming(self) -> bool:
        """Whether the text of a request is still open."""
        return self._streaming

    def receive(self, event: Event) -> Sequence[Action]:
        """What is to be done now, in that order. Raises MalformedInput."""
        if Describe.is_type(event.type):
            return [SendInfo()]
        if Ping.is_type(event.type):
            return [SendPong(_data(event, PingData).text)]
        if Synthesize.is_type(event.type):
            return self._whole(event)
        if SynthesizeStart.is_type(event.type):
            return self._start(event)
        if SynthesizeChunk.is_type(event.type):
            self._must_be_streaming(event)
            return [More(_data(event, ChunkData).text)]
        if SynthesizeStop.is_type(event.type):
            self._must_be_streaming(event)
            self._streaming = False
            return [Finish()]
        return []

    def _whole(self, event: Event) -> Sequence[Action]:
        if self._streaming:
            return []
        data = _data(event, WholeData)
        return [Begin(data, streaming=False), More(data.text), Finish()]

    def _start(self, event: Event) -> Sequence[Action]:
        if self._streaming:
            raise MalformedInput("synthesize-start came before the synthesize-stop of the text before it")
        data = _data(event, StartData)
        self._streaming = True
        return [Begin(data, streaming=True)]

    def _must_be_streaming(self, event: Event) -> None:
        if not self._streaming:
            raise MalformedInput(f"{event.type} came without a synthesize-start")


def _data(event: Event, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(event.data)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise MalformedInput(f"`{where}` of {event.type}: {problem['msg']}") from None
