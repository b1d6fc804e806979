"""`/ws/speech`: live text, several utterances on one socket, and every message that doesn't fit."""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from koe.adapters.http.websocket_dialogue import Begin, Cancel, Dialogue, Finish, More, Pong
from koe.core.errors import KoeError
from koe.engine.fake import FakeEngine, Faults
from koe.settings import SpeechSettings
from tests.adapters.http.test_speech import TEXT, as_the_speaker_says, speaking
from tests.support.house import PATIENCE
from tests.support.http_house import HttpHouse
from tests.support.waiting import eventually

WORDS = [word + " " for word in TEXT.split()]


@dataclass
class Spoken:
    """What the server told of one utterance."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    pcm: bytes = b""

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    @property
    def last(self) -> dict[str, Any]:
        return self.messages[-1]


class Client:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._told = False

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send_json({"type": type, **fields})

    async def receive(self) -> dict[str, Any] | bytes:
        async with asyncio.timeout(PATIENCE):
            message = await self.socket.receive()
        if message.type is WSMsgType.TEXT:
            found: dict[str, Any] = json.loads(message.data)
            return found
        assert message.type is WSMsgType.BINARY, message
        pcm: bytes = message.data
        return pcm

    async def closed(self) -> int | None:
        """The code with which the server closed."""
        async with asyncio.timeout(PATIENCE):
            while (await self.socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                pass
        return self.socket.close_code

    async def hear(self, *last: str) -> Spoken:
        """Up to a message of that type: the end of an utterance, if none is named."""
        spoken = Spoken()
        while not spoken.messages or spoken.last["type"] not in (last or ("end", "error")):
            match await self.receive():
                case bytes() as pcm:
                    assert self._told
                    spoken.pcm += pcm
                    if "audio" in last:
                        break
                case message:
                    spoken.messages.append(message)
                    self._told = message["type"] == "header" or (self._told and message["type"] != "end")
        return spoken

    async def say(self, pieces: list[str], **how: Any) -> Spoken:
        await self.send("start", **how)
        for piece in pieces:
            await self.send("text", text=piece)
        await self.send("end")
        return await self.hear()


@asynccontextmanager
async def connected(house: HttpHouse) -> AsyncIterator[Client]:
    async with house.client.ws_connect("/ws/speech") as socket:
        yield Client(socket)


@pytest_asyncio.fixture
async def humming(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with speaking(tmp_path, FakeEngine()) as it:
        yield it


async def test_an_utterance_is_a_header_its_pcm_and_an_end_with_figures(humming: HttpHouse) -> None:
    async with connected(humming) as client:
        spoken = await client.say([TEXT], voice="fake-high")
    assert spoken.types == ["header", "end"]
    assert spoken.messages[0] == {
        "type": "header",
        "utterance": 1,
        "sample_rate": 24000,
        "format": "pcm16",
        "channels": 1,
        "voice": "fake-high",
        "seed": None,
    }
    assert (spoken.last["utterance"], spoken.last["cancelled"]) == (1, False)
    assert (spoken.last["voice"], spoken.last["engine"]) == ("fake-high", "fake")
    assert spoken.last["characters"] == len(TEXT)
    assert spoken.last["audio_seconds"] == len(spoken.pcm) / 48000
    assert 0 < spoken.last["first_audio"] <= spoken.last["elapsed"]


@pytest.mark.parametrize("pieces", [[TEXT], WORDS, list(TEXT)])
async def test_the_pcm_is_what_the_speaker_gives_however_the_text_is_cut(humming: HttpHouse, pieces: list[str]) -> None:
    async with connected(humming) as client:
        spoken = await client.say(pieces)
    assert spoken.pcm == await as_the_speaker_says(humming)


async def test_who_sends_word_by_word_hears_audio_before_the_last_word(humming: HttpHouse) -> None:
    async with connected(humming) as client:
        await client.send("start")
        for word in WORDS[:-1]:
            await client.send("text", text=word)
        early = await client.hear("audio")
        assert early.pcm
        await client.send("text", text=WORDS[-1])
        await client.send("end")
        rest = await client.hear()
    assert rest.types[-1] == "end"


async def test_a_start_may_bring_the_whole_text(humming: HttpHouse) -> None:
    async with connected(humming) as client:
        await client.send("start", input=TEXT)
        spoken = await client.hear()
        assert spoken.pcm == await as_the_speaker_says(humming)
        await client.send("end")
        assert (await client.hear()).last["error"]["message"] == "end came without a start"


async def test_several_utterances_follow_each_other_on_one_socket(humming: HttpHouse) -> None:
    async with connected(humming) as client:
        for number, voice in enumerate(("fake-low", "fake-high", "fake-low"), 1):
            spoken = await client.say(WORDS, voice=voice)
            assert (spoken.last["utterance"], spoken.last["voice"]) == (number, voice)
            assert spoken.pcm == await as_the_speaker_says(humming, voice=voice)


async def test_the_fields_of_the_request_work(humming: HttpHouse) -> None:
    async with connected(humming) as client:
        usual = await client.say([TEXT])
        fast = await client.say([TEXT], speed=2, sample_rate=16000, response_format="pcm", language="English")
    assert fast.messages[0]["sample_rate"] == 16000
    assert len(fast.pcm) / 32000 == pytest.approx(len(usual.pcm) / 48000 / 2, rel=0.03)


async def test_cancel_stops_within_a_chunk_and_the_socket_goes_on(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it, connected(it) as client:
        await client.send("start", input=TEXT)
        gate.release(3)
        assert (await client.hear("audio")).pcm
        await client.send("cancel")
        spoken = await client.hear()
        assert (spoken.last["type"], spoken.last["cancelled"]) == ("end", True)
        assert engine.open_streams == 0
        gate.release(1000)
        assert (await client.say(["Hello."])).last["cancelled"] is False


async def test_cancel_also_ends_what_has_not_made_a_sound_yet(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=0))
    async with speaking(tmp_path, engine) as it, connected(it) as client:
        await client.send("start")
        await client.send("text", text="Hello there. And then ")
        await eventually(lambda: engine.open_streams == 1)
        await client.send("cancel")
        assert (await client.hear()).types == ["end"]
        # What was on its way is dropped, and nothing is said about it.
        await client.send("text", text="there")
        await client.send("end")
        await client.send("cancel")
        await client.send("ping")
        assert await client.receive() == {"type": "pong"}
        assert engine.open_streams == 0


async def test_a_client_that_vanishes_frees_the_engine(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it:
        async with connected(it) as client:
            await client.send("start", input=TEXT)
            gate.release(3)
            await client.hear("audio")
            response = client.socket._response
            assert response.connection is not None and response.connection.transport is not None
            response.connection.transport.abort()
            await eventually(lambda: engine.open_streams == 0)
        gate.release(1000)


async def test_a_client_that_closes_in_mid_speech_frees_the_engine(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=3))
    async with speaking(tmp_path, engine) as it:
        async with connected(it) as client:
            await client.send("start", input=TEXT)
            await client.hear("audio")
        await eventually(lambda: engine.open_streams == 0)


async def test_a_failure_ends_the_utterance_and_not_the_conversation(tmp_path: Path) -> None:
    async with speaking(tmp_path, FakeEngine(faults=Faults(fail_at=3))) as it, connected(it) as client:
        for number in (1, 2):
            spoken = await client.say(WORDS)
            assert spoken.types == ["header", "error"]
            assert (spoken.last["utterance"], spoken.last["error"]["code"]) == (number, "engine-failed")
        await client.send("ping")
        assert await client.receive() == {"type": "pong"}


async def test_an_unknown_voice_ends_the_utterance(humming: HttpHouse) -> None:
    async with connected(humming) as client:
        spoken = await client.say(WORDS, voice="fake-hihg")
        assert (spoken.types, spoken.last["utterance"]) == (["error"], 1)
        assert spoken.last["error"]["code"] == "unknown-voice"
        # The words that were on their way are no errors of their own.
        assert (await client.say(WORDS)).types == ["header", "end"]


async def test_a_text_that_grows_too_long_ends_the_utterance(tmp_path: Path) -> None:
    engine = FakeEngine(takes_live_text=True)
    async with speaking(tmp_path, engine, speech=SpeechSettings(max_characters=100)) as it, connected(it) as client:
        await client.send("start")
        for _ in range(3):
            await client.send("text", text="a" * 50)
        spoken = await client.hear()
        assert (spoken.last["utterance"], spoken.last["error"]["code"]) == (1, "limit-exceeded")
        await client.send("end")
        assert (await client.say(["Hello."])).types == ["header", "end"]
        assert engine.open_streams == 0


WRONG = [
    "",
    "{",
    "[]",
    "null",
    '"start"',
    "{}",
    '{"type": "begin"}',
    '{"type": 1}',
    '{"type": "text"}',
    '{"type": "text", "text": 5}',
    '{"type": "text", "text": "\\ud800"}',
    '{"type": "ping", "more": 1}',
    "[" * 100_000,
    '{"type": "start", "speed": 9}',
    '{"type": "start", "speed": "1"}',
    '{"type": "start", "input": ""}',
    '{"type": "start", "response_format": "mp3"}',
    '{"type": "start", "stream_format": "sse"}',
    '{"type": "start", "nobody_knows_this": 1}',
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_message_that_is_wrong_is_an_error_and_nothing_else(humming: HttpHouse, wrong: str) -> None:
    async with connected(humming) as client:
        await client.socket.send_str(wrong)
        error = await client.receive()
        assert isinstance(error, dict)
        assert (error["type"], error["utterance"], error["error"]["code"]) == ("error", None, "malformed-input")
        assert (await client.say(WORDS)).types == ["header", "end"]


async def test_wrong_messages_do_not_disturb_what_is_being_spoken(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it, connected(it) as client:
        await client.send("start")
        await client.send("start")
        error = await client.receive()
        assert isinstance(error, dict)
        assert error["utterance"] is None
        await client.socket.send_bytes(b"sound")
        assert isinstance(await client.receive(), dict)
        await client.send("text", text=TEXT)
        await client.send("end")
        await client.send("end")
        late = await client.hear("error")
        assert late.last["error"]["message"] == "end came after the end"
        gate.release(1000)
        spoken = await client.hear()
        assert (spoken.types[-1], spoken.last["utterance"]) == ("end", 1)
        assert late.pcm + spoken.pcm == await as_the_speaker_says(it)


@pytest.mark.parametrize("type", ["text", "end"])
async def test_text_without_a_start_is_an_error(humming: HttpHouse, type: str) -> None:
    async with connected(humming) as client:
        await client.send(type, **({"text": "Hello."} if type == "text" else {}))
        assert (await client.hear()).last["error"]["message"] == f"{type} came without a start"


async def test_a_message_that_is_too_large_closes_the_socket(tmp_path: Path) -> None:
    async with speaking(tmp_path, max_body_bytes=1024) as it, connected(it) as client:
        await client.send("text", text="a" * 2000)
        assert await client.closed() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_who_says_nothing_is_sent_away(tmp_path: Path) -> None:
    async with speaking(tmp_path, idle_timeout=0.2) as it, connected(it) as client:
        assert (await client.hear()).last["error"]["code"] == "deadline-exceeded"
        assert await client.closed() == aiohttp.WSCloseCode.GOING_AWAY


async def test_who_is_spoken_to_is_not_idle(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine, idle_timeout=0.1) as it, connected(it) as client:
        await client.send("start", input="Hello.")
        await asyncio.sleep(0.3)
        gate.release(1000)
        assert (await client.hear()).types == ["header", "end"]
        assert (await client.hear()).last["error"]["code"] == "deadline-exceeded"


async def test_utterances_wait_their_turn_and_may_be_refused(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with (
        speaking(tmp_path, engine, max_speaking=1, max_waiting=1) as it,
        connected(it) as first,
        connected(it) as second,
        connected(it) as third,
    ):
        await first.send("start", input="Hello.")
        await eventually(lambda: engine.open_streams == 1)
        await second.send("start", input="Hello.")
        await second.send("ping")
        assert await second.receive() == {"type": "pong"}
        await third.send("start", input="Hello.")
        assert (await third.hear()).last["error"]["code"] == "busy"
        gate.release(1000)
        assert (await first.hear()).types == (await second.hear()).types == ["header", "end"]


async def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    async with speaking(tmp_path) as it, connected(it) as client:
        stopping = asyncio.create_task(it.server.stop(0.0))
        assert (await client.hear()).last["error"]["code"] == "shutting-down"
        assert await client.closed() == aiohttp.WSCloseCode.GOING_AWAY
        await stopping


async def test_a_server_that_stops_finishes_what_it_says(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it, connected(it) as client:
        await client.send("start", input=TEXT)
        gate.release(3)
        await client.hear("audio")
        stopping = asyncio.create_task(it.server.stop(PATIENCE))
        await asyncio.sleep(0.05)
        gate.release(1000)
        assert (await client.hear()).types == ["end"]
        assert await client.closed() == aiohttp.WSCloseCode.GOING_AWAY
        await stopping


async def test_fifty_clients_are_heard_at_once(tmp_path: Path) -> None:
    async def one(house: HttpHouse) -> Spoken:
        async with connected(house) as client:
            return await client.say(WORDS)

    async with speaking(tmp_path, FakeEngine(), max_waiting=50) as it:
        whole = await as_the_speaker_says(it)
        assert {spoken.pcm for spoken in await asyncio.gather(*(one(it) for _ in range(50)))} == {whole}


def test_the_dialogue_in_every_order_asks_for_nothing_out_of_place() -> None:
    """Whatever comes: text only after a begin and before its finish, and never two utterances at once."""
    messages = ('{"type": "start"}', '{"type": "text", "text": "a"}', '{"type": "end"}', '{"type": "cancel"}', "over")
    for order in itertools.product(messages, repeat=6):
        dialogue, begun, text_open = Dialogue(), False, False
        for message in order:
            if message == "over":
                dialogue.over()
                begun = text_open = False
                continue
            try:
                action = dialogue.receive(message)
            except KoeError:
                continue
            match action:
                case Begin():
                    assert not begun
                    begun = text_open = True
                case More():
                    assert text_open
                case Finish():
                    assert text_open
                    text_open = False
                case Cancel():
                    assert begun
                    text_open = False
                case Pong():
                    raise AssertionError
            assert dialogue.speaking == begun
