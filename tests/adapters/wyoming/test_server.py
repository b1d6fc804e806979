"""The server as its clients know it: both protocols, by the rules that Home Assistant depends on."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from koe.adapters.sockets import open_socket, uri_of
from koe.core.errors import SettingsError
from koe.core.voice import Voice
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine, Faults
from koe.settings import ListenAddress, SpeechSettings, VoiceSettings
from tests.support.espeak import as_long_as
from tests.support.house import PATIENCE, House, hear, house, stream_events

SENTENCES = "It is 21.5 °C in the living room. Dr. Smith called at 14:05! Is the window open? Yes, it is."


@pytest_asyncio.fixture
async def speaking() -> AsyncIterator[House]:
    async with house(EspeakEngine()) as it:
        yield it


@pytest_asyncio.fixture
async def humming() -> AsyncIterator[House]:
    async with house(FakeEngine()) as it:
        yield it


async def describe(client: AsyncClient) -> Info:
    await client.write_event(Describe().event())
    async with asyncio.timeout(PATIENCE):
        while (event := await client.read_event()) is not None:
            if Info.is_type(event.type):
                return Info.from_event(event)
    raise AssertionError("no info came")


async def test_the_info_is_what_home_assistant_needs(speaking: House) -> None:
    async with speaking.client() as client:
        info = await describe(client)
    [program] = info.tts
    assert (program.name, program.installed, program.supports_synthesize_streaming) == ("Koe", True, True)
    assert len(program.voices) > 100
    assert all(voice.installed and voice.languages and voice.description for voice in program.voices)
    assert info.satellite is None
    assert not (info.asr or info.handle or info.intent or info.wake or info.mic or info.snd)


async def test_styles_are_shown_as_speakers(humming: House) -> None:
    async with humming.client() as client:
        [program] = (await describe(client)).tts
    speakers = {voice.name: [s.name for s in voice.speakers or ()] for voice in program.voices}
    assert speakers == {"fake-low": ["calm", "loud"], "fake-high": []}


async def test_a_voice_that_appears_shows_in_the_next_describe(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    voices = list(engine.voices())
    monkeypatch.setattr(engine, "voices", lambda: voices)
    async with house(engine) as it, it.client() as client:
        assert len((await describe(client)).tts[0].voices) == 2
        voices.append(Voice("fake-new", "New hum", ("fr-FR",), "fake"))
        assert [v.name for v in (await describe(client)).tts[0].voices][-1] == "fake-new"


async def test_legacy_synthesis(speaking: House) -> None:
    heard = await speaking.say(SENTENCES)
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert heard.events[0].data == {"rate": 22050, "width": 2, "channels": 1, "timestamp": 0}
    assert len(heard.pcm) > 22050 * 2 * 3


@pytest.mark.parametrize("repeat_whole", [True, False])
async def test_streaming_synthesis(speaking: House, repeat_whole: bool) -> None:
    async with speaking.client() as client:
        for event in stream_events([SENTENCES[:60], SENTENCES[60:]], repeat_whole=repeat_whole):
            await client.write_event(event)
        heard = await hear(client, last="synthesize-stopped")
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert [event.type for event in heard.events].count("audio-start") == 1


async def test_text_fed_by_the_character_gives_the_audio_of_text_fed_whole(speaking: House) -> None:
    whole = await speaking.say(SENTENCES)
    by_character = await speaking.stream(list(SENTENCES))
    assert len(by_character.pcm) == as_long_as(whole.pcm, sentences=4)


async def test_text_fed_by_the_character_gives_exactly_the_hum_of_text_fed_whole(humming: House) -> None:
    whole = await humming.say(SENTENCES, voice=SynthesizeVoice("fake-high"))
    by_character = await humming.stream(list(SENTENCES), voice="fake-high")
    assert by_character.pcm == whole.pcm


async def test_speech_begins_while_the_text_is_still_arriving(speaking: House) -> None:
    async with speaking.client() as client:
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk("The first sentence is here. And the second ").event())
        assert (await hear(client, last="audio-chunk")).types == ["audio-start", "audio-chunk"]
        await client.write_event(SynthesizeChunk("comes later.").event())
        await client.write_event(SynthesizeStop().event())
        assert (await hear(client, last="synthesize-stopped")).types[-2:] == ["audio-stop", "synthesize-stopped"]


async def test_the_voice_and_its_language_are_chosen_by_the_request(speaking: House) -> None:
    text = "Zwei Äpfel und drei Birnen, bitte."
    german = await speaking.say(text, voice=SynthesizeVoice("espeak-de"))
    by_language = await speaking.say(text, voice=SynthesizeVoice(language="de"))
    default = await speaking.say(text)
    assert abs(len(by_language.pcm) - len(german.pcm)) < abs(len(default.pcm) - len(german.pcm))


async def test_the_default_voice_comes_from_the_settings() -> None:
    async with house(FakeEngine(), voice=VoiceSettings(default="fake-high")) as it:
        default = await it.say("Hello there.")
        assert default.pcm == (await it.say("Hello there.", voice=SynthesizeVoice("fake-high"))).pcm


async def test_an_unknown_style_is_ignored(humming: House) -> None:
    plain = await humming.say("Hello.", voice=SynthesizeVoice("fake-low"))
    assert (await humming.say("Hello.", voice=SynthesizeVoice("fake-low", speaker="opera"))).pcm == plain.pcm


async def test_ssml_is_read_where_the_event_says_so(humming: House) -> None:
    ssml = '<speak>Hello.<break time="1s"/>Again.</speak>'
    heard = await humming.say(ssml, text_format="ssml")
    plain = await humming.say("Hello. Again.")
    assert len(heard.pcm) >= len(plain.pcm) + 24000 * 2 * 0.8


async def test_speech_is_resampled_where_the_settings_say_so() -> None:
    async with house(EspeakEngine()) as it:
        original = await it.say(SENTENCES)
    async with house(EspeakEngine(), speech=SpeechSettings(sample_rate=16000)) as it:
        resampled = await it.say(SENTENCES)
    assert (original.rate, resampled.rate) == (22050, 16000)
    assert len(resampled.pcm) / 16000 == pytest.approx(len(original.pcm) / 22050, abs=0.05)


async def test_ping_is_answered_while_speech_is_under_way() -> None:
    gate = threading.Semaphore(0)
    async with house(FakeEngine(faults=Faults(before_step=gate.acquire))) as it, it.client() as client:
        await client.write_event(Synthesize("Hello there.").event())
        await client.write_event(Ping("still there?").event())
        async with asyncio.timeout(PATIENCE):
            pong = await client.read_event()
        assert pong is not None
        assert (pong.type, pong.data) == ("pong", {"text": "still there?"})
        gate.release(1000)
        assert (await hear(client)).types == ["audio-start", "audio-chunk", "audio-stop"]


async def test_describe_is_answered_while_twenty_requests_wait_for_their_engine() -> None:
    gate = threading.Semaphore(0)
    async with house(FakeEngine(faults=Faults(before_step=gate.acquire))) as it:
        waiting = [asyncio.create_task(it.say("Hello there.")) for _ in range(20)]
        async with it.client() as client:
            assert (await describe(client)).tts
        assert not any(task.done() for task in waiting)
        gate.release(10_000)
        assert {heard.error for heard in await asyncio.gather(*waiting)} == {None}


async def test_requests_on_one_connection_are_spoken_in_the_order_they_came(humming: House) -> None:
    alone = [await humming.say(text) for text in ("One.", "Two and two.", "Three and three and three.")]
    async with humming.client() as client:
        for text in ("One.", "Two and two.", "Three and three and three."):
            await client.write_event(Synthesize(text).event())
        together = [await hear(client) for _ in alone]
    assert [heard.pcm for heard in together] == [heard.pcm for heard in alone]


async def test_one_request_has_no_end_of_requests_waiting_behind_it() -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with house(engine, max_waiting_requests=2) as it, it.client() as client:
        for _ in range(4):
            await client.write_event(Synthesize("Hello there.").event())
        assert (await hear(client)).error == "busy"
        gate.release(1000)


async def test_it_listens_on_several_addresses_at_once(tmp_path: Path) -> None:
    path = tmp_path / "koe.sock"
    listen = ["tcp://127.0.0.1:0", "tcp://[::1]:0", f"unix://{path}"]
    async with house(FakeEngine(), listen=listen) as it:
        for uri in it.server.uris:
            async with AsyncClient.from_uri(uri) as client:
                await client.write_event(Synthesize("Hello.").event())
                assert (await hear(client)).error is None, uri
    assert not path.exists()


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "[::]", "127.0.0.1", "[::1]"])
def test_a_server_of_one_protocol_does_not_claim_both(host: str) -> None:
    with open_socket(ListenAddress.parse(f"tcp://{host}:0")) as listening:
        assert uri_of(listening) == f"tcp://{host}:{listening.getsockname()[1]}"


async def test_a_host_name_that_can_be_none_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="no host name"):
        open_socket(ListenAddress.parse("tcp://kitchen..lan:0"))


async def test_a_socket_file_left_behind_by_a_killed_server_is_replaced(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/koe.sock"
    async with house(FakeEngine(), listen=[uri]):
        with pytest.raises(SettingsError, match="a server answers"):
            async with house(FakeEngine(), listen=[uri]):
                pass
    left_behind = socket.socket(socket.AF_UNIX)
    left_behind.bind(str(tmp_path / "koe.sock"))
    left_behind.close()
    async with house(FakeEngine(), listen=[uri]) as it:
        assert (await it.say("Hello.")).error is None


async def test_a_port_in_use_is_an_error_that_names_the_remedy(humming: House) -> None:
    with pytest.raises(SettingsError, match="--listen"):
        async with house(FakeEngine(), listen=[humming.uri]):
            pass


async def test_stopping_lets_running_speech_end_within_its_grace() -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with house(engine) as it, it.client() as speaking, it.client() as idle:
        await speaking.write_event(Synthesize("Hello there.").event())
        gate.release(1)
        await hear(speaking, last="audio-chunk")
        stopping = asyncio.create_task(it.server.stop(grace=PATIENCE))
        assert (await hear(idle)).events == []
        gate.release(1000)
        assert (await hear(speaking)).types[-1] == "audio-stop"
        await stopping


async def test_stopping_ends_what_its_grace_does_not_suffice_for_with_an_error() -> None:
    async with house(FakeEngine(faults=Faults(hang_at=1))) as it, it.client() as client:
        await client.write_event(Synthesize("Hello there.").event())
        await hear(client, last="audio-chunk")
        stopping = asyncio.create_task(it.server.stop(grace=0.0))
        assert (await hear(client)).error == "shutting-down"
        await stopping
