"""What an event means at each point of a conversation."""

from typing import Any

import pytest
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from koe.adapters.wyoming.dialogue import (
    Begin,
    Dialogue,
    Finish,
    More,
    SendInfo,
    SendPong,
    StartData,
    VoiceData,
    WholeData,
)
from koe.core.errors import MalformedInput

START = SynthesizeStart().event()
STOP = SynthesizeStop().event()


def test_describe_and_ping_are_answered_at_any_time() -> None:
    dialogue = Dialogue()
    for _ in range(2):
        assert dialogue.receive(Describe().event()) == [SendInfo()]
        assert dialogue.receive(Ping("hello").event()) == [SendPong("hello")]
        if not dialogue.streaming:
            dialogue.receive(START)


def test_a_whole_text_begins_and_finishes_a_request() -> None:
    voice = SynthesizeVoice(name="anna", speaker="whisper")
    event = Synthesize(text="Hello.", voice=voice, text_format="ssml", context={"any": 1}).event()
    data = WholeData(text="Hello.", voice=VoiceData(name="anna", speaker="whisper"), text_format="ssml")
    assert Dialogue().receive(event) == [Begin(data, streaming=False), More("Hello."), Finish()]


def test_a_streamed_text_begins_grows_and_finishes() -> None:
    dialogue = Dialogue()
    event = SynthesizeStart(voice=SynthesizeVoice(language="de")).event()
    assert dialogue.receive(event) == [Begin(StartData(voice=VoiceData(language="de")), streaming=True)]
    assert dialogue.receive(SynthesizeChunk("Hel").event()) == [More("Hel")]
    assert dialogue.receive(SynthesizeChunk("").event()) == [More("")]
    assert dialogue.receive(STOP) == [Finish()]
    assert not dialogue.streaming


def test_the_whole_text_that_home_assistant_repeats_within_a_stream_is_ignored() -> None:
    dialogue = Dialogue()
    dialogue.receive(START)
    assert dialogue.receive(Synthesize("Hello.").event()) == []
    assert dialogue.streaming


def test_after_a_stream_another_may_begin() -> None:
    dialogue = Dialogue()
    for _ in range(2):
        dialogue.receive(START)
        dialogue.receive(STOP)


def test_a_second_start_within_a_stream_breaks_the_protocol() -> None:
    dialogue = Dialogue()
    dialogue.receive(START)
    with pytest.raises(MalformedInput, match="before the synthesize-stop"):
        dialogue.receive(START)


@pytest.mark.parametrize("event", [SynthesizeChunk("x").event(), STOP])
def test_a_stream_that_never_began_breaks_the_protocol(event: Event) -> None:
    with pytest.raises(MalformedInput, match="without a synthesize-start"):
        Dialogue().receive(event)


@pytest.mark.parametrize("event_type", ["transcribe", "audio-chunk", "", "Synthesize", "a" * 1000])
def test_unknown_events_are_ignored(event_type: str) -> None:
    assert Dialogue().receive(Event(event_type, {"text": 5})) == []


@pytest.mark.parametrize(
    ("event_type", "data", "names"),
    [
        ("synthesize", {}, "`text` of synthesize"),
        ("synthesize", {"text": None}, "`text` of synthesize"),
        ("synthesize", {"text": ["a"]}, "`text` of synthesize"),
        ("synthesize", {"text": "\ud800"}, "`text` of synthesize"),
        ("synthesize", {"text": "a", "voice": "anna"}, "`voice` of synthesize"),
        ("synthesize", {"text": "a", "voice": {"name": 5}}, "`voice.name` of synthesize"),
        ("synthesize", {"text": "a", "text_format": "html"}, "`text_format` of synthesize"),
        ("synthesize-start", {"voice": []}, "`voice` of synthesize-start"),
        ("ping", {"text": 5}, "`text` of ping"),
    ],
)
def test_wrong_types_are_named(event_type: str, data: dict[str, Any], names: str) -> None:
    with pytest.raises(MalformedInput, match=names):
        Dialogue().receive(Event(event_type, data))
