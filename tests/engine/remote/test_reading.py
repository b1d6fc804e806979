"""Where the bytes of an answer are cut never changes what is heard."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.audio.files import wav_header
from koe.engine.remote.answer import EventSoundReader, PcmReader
from koe.engine.remote.events import Event, EventReader
from koe.engine.remote.failures import Why
from koe.engine.remote.listing import Models, Voices, listing
from koe.engine.remote.refusals import reason_of
from koe.engine.remote.wav import NotWav, WavReader
from koe.settings.schema.remote import RemoteServer
from tests.support.speech_server import RATE, spoken

SOUND = spoken("abc")[:200]
LISTED = wav_header(RATE, len(SOUND)).replace(b"data", b"LIST\x05\x00\x00\x00Adobe\x00data")

cuts = st.lists(st.integers(0, 400), max_size=12)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({min(cut, len(data)) for cut in cuts})
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


@given(cuts)
def test_pcm(cuts: list[int]) -> None:
    reader = PcmReader(RATE)
    heard = [reader.feed(piece) for piece in pieces(SOUND + b"\x01", cuts)]
    assert b"".join(heard) == SOUND
    assert all(len(each) % 2 == 0 for each in heard)


@given(
    cuts, st.sampled_from([wav_header(RATE) + SOUND, wav_header(RATE, len(SOUND)) + SOUND + b"id3 ...", LISTED + SOUND])
)
def test_wav(cuts: list[int], data: bytes) -> None:
    reader = WavReader()
    assert b"".join(reader.feed(piece) for piece in pieces(data, cuts)) == SOUND
    assert (reader.sample_rate, reader.complete) == (RATE, True)


@given(cuts)
def test_two_channels_are_mixed(cuts: list[int]) -> None:
    form = struct.pack("<HHIIHH", 1, 2, 16_000, 64_000, 4, 16)
    data = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + form + b"data\xff\xff\xff\xff"
    reader = WavReader()
    heard = b"".join(reader.feed(piece) for piece in pieces(data + struct.pack("<4h", 100, 300, -5, 5), cuts))
    assert (heard, reader.sample_rate) == (struct.pack("<2h", 200, 0), 16_000)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"ID3\x04" + bytes(100), "no WAV"),
        (wav_header(RATE).replace(b"fmt ", b"xxxx"), "without a format"),
        (b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, RATE, 4 * RATE, 4, 32), "32 bits"),
        (wav_header(100), "100 Hz"),
        (b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\xff" + bytes(70_000), "header doesn't end"),
    ],
)
def test_what_is_no_wav_is_named(data: bytes, words: str) -> None:
    with pytest.raises(NotWav, match=words):
        WavReader().feed(data)


def test_a_wav_that_ends_early_is_not_complete() -> None:
    reader = WavReader()
    reader.feed(wav_header(RATE, len(SOUND)) + SOUND[:-2])
    assert not reader.complete


@given(cuts, st.sampled_from(["\n", "\r\n", "\r"]))
def test_events(cuts: list[int], end: str) -> None:
    text = f": a comment{end}{end}event: one{end}data: a{end}data:b{end}id: 7{end}{end}data: c{end}{end}data: lost{end}"
    reader = EventReader()
    found = [event for piece in pieces(text.encode(), cuts) for event in reader.feed(piece)]
    # Whether a carriage return stands alone is known with the next byte.
    found += reader.feed(b"x")
    assert found == [Event("one", "a\nb"), Event("", "c")]


def test_an_event_without_end_is_refused() -> None:
    reader = EventReader()
    with pytest.raises(ValueError, match="doesn't end"):
        for _ in range(10):
            reader.feed(b"data: " + bytes(1024 * 1024))


def test_an_error_among_the_events_comes_after_what_was_heard() -> None:
    reader = EventSoundReader()
    delta = {"type": "speech.audio.delta", "audio": "AQI=", "response_format": "pcm"}
    error = {"type": "speech.audio.error", "error": {"message": "it died", "action": "discard", "code": 500}}
    # OpenAI's own have no event lines.
    assert reader.feed(f"data: {json.dumps(delta)}\n\ndata: {json.dumps(error)}\n\n".encode()) == b"\x01\x02"
    with pytest.raises(Exception, match="it died"):
        reader.check_end()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Invalid voice 'x'. Supported: a", Why.NOT_HERE),
        ("Voice 'x' not found", Why.NOT_HERE),
        ("there is no voice 'x'", Why.NOT_HERE),
        ("EngineCore encountered an issue", Why.REFUSED),
    ],
)
def test_a_refusal_for_the_voice_is_one(words: str, why: Why) -> None:
    assert reason_of(words) is why


def test_kinds_are_told_by_what_servers_say_of_themselves() -> None:
    def kind(owner: str, **settings: str) -> str:
        models = Models.model_validate({"data": [{"id": "m", "owned_by": owner}]})
        return listing(RemoteServer(url="http://a", **settings), models, Voices(), ()).kind  # type: ignore[arg-type]

    assert [kind(owner) for owner in ("vllm", "koe", "nari-labs", "kokoro", "")] == [
        *("vllm-omni", "koe", "nari", "openai", "openai")
    ]
    assert kind("vllm", kind="openai") == "openai"


def test_a_koe_does_not_pass_on_what_it_has_from_elsewhere() -> None:
    def voice(id: str, engine: str) -> dict[str, object]:
        return {"id": id, "name": id, "languages": ["en-US"], "engine": engine, "styles": ["calm"]}

    models = Models.model_validate({"data": [{"id": "koe", "owned_by": "koe"}, {"id": "Qwen3-TTS-12Hz-0.6B-Base"}]})
    voices = Voices.model_validate({"details": [voice("qwen-ryan", "qwen"), voice("remote-ryan", "remote")]})
    found = listing(RemoteServer(url="http://a"), models, voices, ())
    assert list(found.voices) == ["remote-qwen-ryan"]
    assert found.voices["remote-qwen-ryan"].styles == ("calm",)
    assert (found.clones, found.designs, found.model) == (True, False, "")


def test_what_a_server_says_of_its_voices_is_not_trusted() -> None:
    details = [
        {"id": "a b/..", "name": "A\nB\x1b[31m", "languages": ["de", "no tag at all!"], "styles": ["x\x00"]},
        {"id": "b", "name": "B", "languages": ["?"]},
    ]
    models = Models.model_validate({"data": [{"id": "koe", "owned_by": "koe"}]})
    voices = Voices.model_validate({"details": details})
    [(id, voice)] = listing(RemoteServer(url="http://a"), models, voices, ()).voices.items()
    assert (id, voice.title, voice.languages, voice.styles) == ("remote-a-b-..", "AB[31m", ("de",), ("x",))


def test_kokoros_voices_speak_what_their_names_say() -> None:
    voices = Voices.model_validate({"voices": [{"id": "bf_emma"}, "jm_kumo", "alloy"]})
    found = listing(RemoteServer(url="http://a"), Models(), voices, ()).voices.values()
    assert [each.languages[0] for each in found] == ["en-GB", "ja-JP", "en-US"]
