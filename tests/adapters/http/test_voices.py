"""Voices over HTTP: made, heard, changed, designed, carried, and everything that can be wrong with what is sent."""

import asyncio
import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from koe.adapters.http import busy, speech, voices
from koe.adapters.http.voices import designing
from koe.audio.decode import read_audio
from koe.core.errors import UnknownVoice
from koe.core.samples import sample
from koe.core.voice import Voice
from koe.engine import Engine, SpeechOptions
from koe.engine.fake import FakeEngine, FakeStream, Faults
from tests.support.clips import speech_wav
from tests.support.http_house import HttpHouse, fuzz, http_house
from tests.support.waiting import eventually

ENDPOINTS = (*voices.ENDPOINTS, *speech.ENDPOINTS)
WORDS = "The words of the clip."


class Making(FakeEngine):
    """Tones, under the name of the engine that clones and designs; remembers what it was asked for."""

    name = "qwen"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked: list[tuple[str, SpeechOptions]] = []

    def voices(self) -> list[Voice]:
        return [replace(voice, engine="qwen") for voice in super().voices()]

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.asked.append((voice.id, options))
        return super().open(self.voices()[0], options)


class Humming(FakeEngine):
    """Stands in for the other one."""

    def voices(self) -> Sequence[Voice]:
        return [replace(voice, id=f"{voice.id}-2") for voice in super().voices()]

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        return super().open(super().voices()[0], options)


def making(data_dir: Path, *engines: Engine, **options: Any) -> AbstractAsyncContextManager[HttpHouse]:
    return http_house(data_dir, ENDPOINTS, *engines or (Making(),), prepare=busy.install, **options)


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with making(tmp_path) as house:
        yield house


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def clip(transcript: str = WORDS, **sound: float) -> dict[str, str]:
    return {"audio": in_base64(speech_wav(**sound)), "transcript": transcript}


def form_of(*parts: tuple[str, bytes | str]) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in parts:
        form.add_field(name, value, **({"filename": "clip.wav"} if isinstance(value, bytes) else {}))
    return form


async def asked(house: HttpHouse, method: str, path: str, status: int = 200, **options: Any) -> Any:
    """The JSON of the answer."""
    if "json" in options:
        # A long body as bytes would be warned of.
        options["data"] = io.BytesIO(json.dumps(options.pop("json")).encode())
        options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
    async with house.client.request(method, path, **options) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json() if status != 204 else await answer.read()


async def refusal(house: HttpHouse, method: str, path: str, status: int = 400, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await asked(house, method, path, status, **options))["error"]
    return found


async def anna(house: HttpHouse, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await asked(
        house, "POST", "/api/voices", 201, json={"name": "Anna", "references": [clip()], **fields}
    )
    return made


def files_in(data_dir: Path) -> list[Path]:
    """Profiles and clips."""
    return list(data_dir.glob("voices/*/**/*.*"))


async def events_of(answer: aiohttp.ClientResponse) -> list[tuple[str, Any]]:
    lines = (await answer.text()).split("\n\n")
    pairs = [line.split("\n") for line in lines if line.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in pairs]


async def test_a_voice_that_is_made_speaks_in_the_next_request(tmp_path: Path) -> None:
    engine = Making()
    async with making(tmp_path, engine) as it:
        made = await anna(it, seed=7, sampling={"temperature": 0.5}, tags=["kitchen"], size="1.7B")
        assert (made["state"], made["reason"], made["warnings"]) == ("ready", None, [])
        profile = made["profile"]
        assert (profile["id"], profile["kind"], profile["tags"]) == ("anna", "cloned", ["kitchen"])
        assert profile["sampling"]["temperature"] == 0.5
        assert [each["transcript"] for each in profile["references"]] == [WORDS]
        body = {"input": "Hello there.", "voice": "anna", "response_format": "wav"}
        async with it.client.post("/v1/audio/speech", json=body) as answer:
            assert (answer.status, answer.headers["X-Koe-Voice"]) == (200, "anna")
            assert len(read_audio(await answer.read(), most_seconds=30).samples)
    voice_id, options = engine.asked[-1]
    assert (voice_id, options.seed, options.size) == ("anna", 7, "1.7B")
    assert options.clip is not None
    assert options.clip.transcript == WORDS


async def test_all_voices_are_listed_with_what_they_can_do(it: HttpHouse) -> None:
    await anna(it, languages=["de"])
    listed = {each["id"]: each for each in (await asked(it, "GET", "/api/voices"))["voices"]}
    assert list(listed) == ["fake-low", "fake-high", "anna"]
    assert listed["fake-low"]["styles"] == ["calm", "loud"]
    assert [listed[each]["own"] for each in listed] == [False, False, True]
    assert {each["state"] for each in listed.values()} == {"ready"}
    for query, found in {
        "language=de": ["fake-low", "anna"],
        "language=en-US": ["fake-low", "fake-high"],
        "kind=cloned": ["anna"],
        "kind=named&language=en": ["fake-low", "fake-high"],
        "language=fr": [],
    }.items():
        assert [each["id"] for each in (await asked(it, "GET", f"/api/voices?{query}"))["voices"]] == found
    for query, param in {"kind=loud": "kind", "language=?!": "language", "colour=red": "colour"}.items():
        assert (await refusal(it, "GET", f"/api/voices?{query}"))["param"] == param


async def test_a_voice_is_shown_with_its_profile(it: HttpHouse) -> None:
    made = await anna(it)
    shown = await asked(it, "GET", "/api/voices/anna")
    assert shown["profile"] == made["profile"]
    assert (shown["state"], shown["own"], shown["preset"]) == ("ready", True, False)
    built_in = await asked(it, "GET", "/api/voices/fake-low")
    assert (built_in["profile"], built_in["name"]) == (None, "Low hum")


async def test_voices_that_cannot_speak_say_why(tmp_path: Path) -> None:
    async with making(tmp_path, Making(faults=Faults(start="no weights")), Humming(), fallback="fake") as it:
        made = await anna(it)
        assert (made["state"], made["reason"]) == ("missing", "no weights")
        (tmp_path / "voices" / "profiles" / "bert.json").write_text("{")
        listed = {each["id"]: each for each in (await asked(it, "GET", "/api/voices"))["voices"]}
        assert (listed["anna"]["state"], listed["anna"]["reason"]) == ("missing", "no weights")
        assert (listed["fake-low"]["state"], listed["fake-low-2"]["state"]) == ("missing", "ready")
        assert (listed["bert"]["state"], listed["bert"]["kind"]) == ("broken", None)
        assert "no valid JSON" in listed["bert"]["reason"]
        assert (await asked(it, "GET", "/api/voices/bert"))["state"] == "broken"
        error = await refusal(it, "POST", "/api/voices/anna/test", 503)
        assert "no weights" in error["message"]
        await asked(it, "DELETE", "/api/voices/bert", 204)


async def test_a_voice_whose_clip_is_gone_is_missing(it: HttpHouse, tmp_path: Path) -> None:
    await anna(it)
    (clip_path,) = (tmp_path / "voices" / "refs" / "anna").glob("*.wav")
    clip_path.unlink()
    assert (await asked(it, "GET", "/api/voices/anna"))["state"] == "missing"
    assert "missing" in (await refusal(it, "GET", "/api/voices/anna/references/1"))["message"]


async def test_a_form_makes_the_same_voice_as_json(it: HttpHouse) -> None:
    data = json.dumps({"name": "Bert", "languages": ["en-GB"], "speed": 1.1})
    form = form_of(("data", data), ("ref", speech_wav()), ("text", WORDS), ("ref", speech_wav(3.0)), ("text", "More."))
    profile = (await asked(it, "POST", "/api/voices", 201, data=form))["profile"]
    assert (profile["id"], profile["languages"], profile["speed"]) == ("bert", ["en-GB"], 1.1)
    assert [each["transcript"] for each in profile["references"]] == [WORDS, "More."]
    body = {"name": "Bert", "languages": ["en-GB"], "speed": 1.1, "references": [clip(), clip("More.", seconds=3.0)]}
    again = (await asked(it, "POST", "/api/voices", 201, json=body))["profile"]
    assert again["id"] == "bert-2"
    assert again["references"] == profile["references"]


async def test_a_clip_may_come_as_a_browser_reads_it(it: HttpHouse) -> None:
    await anna(it, references=[{"audio": f"data:audio/wav;base64,{in_base64(speech_wav())}"}])


async def test_what_is_said_in_a_clip_can_be_found_out(it: HttpHouse) -> None:
    made = await anna(it, references=[clip(""), clip()], transcribe=True)
    assert [each["transcript"] for each in made["profile"]["references"]] == ["what was said", WORDS]
    assert await asked(it, "POST", "/api/voices/transcribe", json={"audio": in_base64(speech_wav())}) == {
        "text": "what was said"
    }
    form = form_of(("audio", speech_wav()), ("language", "de"))
    assert await asked(it, "POST", "/api/voices/transcribe", data=form) == {"text": "what was said"}
    error = await refusal(it, "POST", "/api/voices/transcribe", data=form_of(("audio", b"no sound")))
    assert error["param"] == "audio"
    error = await refusal(it, "POST", "/api/voices/transcribe", data=form_of(("language", "de")))
    assert error["param"] == "audio"


async def test_a_clip_without_transcript_is_taken_with_a_warning(it: HttpHouse) -> None:
    made = await anna(it, references=[clip("")])
    assert "transcript" in made["warnings"][0]


async def test_a_variation_of_a_built_in_voice(tmp_path: Path) -> None:
    engine = Making()
    async with making(tmp_path, engine) as it:
        body = {"name": "Brisk", "base": "fake-low", "instruct": "Quickly."}
        profile = (await asked(it, "POST", "/api/voices", 201, json=body))["profile"]
        assert (profile["kind"], profile["base"], profile["references"]) == ("named", "fake-low", [])
        async with it.client.post("/api/voices/brisk/test", json={"text": "Hello.", "seed": 3}) as answer:
            assert answer.status == 200
            await answer.read()
        assert (engine.asked[-1][0], engine.asked[-1][1].instruct, engine.asked[-1][1].seed) == (
            "fake-low",
            "Quickly.",
            3,
        )
        for base in ("nobody", "brisk"):
            error = await refusal(it, "POST", "/api/voices", 404, json={"name": "X", "base": base})
            assert (error["param"], error["code"]) == ("base", "unknown-voice")
        error = await refusal(it, "POST", "/api/voices/brisk/references", json={"references": [clip()]})
        assert "no references" in error["message"]


async def test_what_is_not_named_stays_in_a_change(it: HttpHouse) -> None:
    before = (await anna(it, seed=7, sampling={"temperature": 0.5, "top_k": 9}, tags=["a"]))["profile"]
    body = {"name": "Anna the second", "seed": None, "sampling": {"top_k": None}, "transcripts": ["Other words."]}
    after = (await asked(it, "PATCH", "/api/voices/anna", json=body))["profile"]
    assert (after["name"], after["seed"], after["tags"]) == ("Anna the second", None, ["a"])
    assert (after["sampling"]["temperature"], after["sampling"]["top_k"]) == (0.5, None)
    assert after["references"][0]["transcript"] == "Other words."
    assert after["references"][0]["sha256"] == before["references"][0]["sha256"]
    assert after["created"] == before["created"]
    heard = (await asked(it, "PATCH", "/api/voices/anna", json={"transcribe": True, "sampling": None}))["profile"]
    assert heard["references"][0]["transcript"] == "what was said"
    assert heard["sampling"]["temperature"] is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, None),
        ({"transcribe": False}, None),
        ({"name": None}, "name"),
        ({"speed": 9}, "speed"),
        ({"sampling": {"top_p": 2}}, "sampling.top_p"),
        ({"transcripts": ["one", "two"]}, "transcripts"),
        ({"id": "other"}, "id"),
        ({"languages": []}, "languages"),
    ],
)
async def test_a_change_that_is_wrong_is_named(it: HttpHouse, body: dict[str, Any], param: str | None) -> None:
    before = (await anna(it))["profile"]
    assert (await refusal(it, "PATCH", "/api/voices/anna", json=body))["param"] == param
    assert (await asked(it, "GET", "/api/voices/anna"))["profile"] == before


async def test_clips_are_added_replaced_heard_and_seen(it: HttpHouse) -> None:
    first = (await anna(it))["profile"]["references"][0]
    path = "/api/voices/anna/references"
    profile = (await asked(it, "POST", path, json={"references": [clip("More.", seconds=3.0)]}))["profile"]
    assert [each["transcript"] for each in profile["references"]] == [WORDS, "More."]
    assert profile["references"][0] == first
    async with it.client.get(f"{path}/2") as answer:
        assert (answer.status, answer.content_type) == (200, "audio/wav")
        sound = read_audio(await answer.read(), most_seconds=30)
    assert len(sound.samples) / 24000 == pytest.approx(profile["references"][1]["duration"], abs=0.001)
    seen = await asked(it, "GET", f"{path}/2/waveform?points=50")
    assert len(seen["points"]) == 50
    assert all(-1 <= low <= high <= 1 for low, high in seen["points"])
    assert seen["duration"] == profile["references"][1]["duration"]
    form = form_of(("ref", speech_wav(5.0)), ("text", "New."), ("data", '{"mode": "replace"}'))
    profile = (await asked(it, "POST", path, data=form))["profile"]
    assert [each["transcript"] for each in profile["references"]] == ["New."]
    for number in ("2", "0", "-1", "x", "1" * 5000, "%D9%A1"):
        await refusal(it, "GET", f"{path}/{number}", 404)
    for points in ("0", "5000", "x"):
        assert (await refusal(it, "GET", f"{path}/1/waveform?points={points}"))["param"] == "points"
    assert (await refusal(it, "POST", path, json={}))["param"] == "references"
    too_long = [clip(seconds=29.0), clip()]
    assert "30 are possible" in (await refusal(it, "POST", path, json={"references": too_long}))["message"]


async def test_one_clip_of_several_is_taken_away(it: HttpHouse, tmp_path: Path) -> None:
    body = [clip(f"Clip {number}.", hertz=100.0 + number) for number in range(3)]
    before = (await anna(it, references=body))["profile"]["references"]
    path = "/api/voices/anna/references"
    after = (await asked(it, "DELETE", f"{path}/2"))["profile"]["references"]
    assert after == [before[0], before[2]]
    assert {each.name for each in files_in(tmp_path) if each.suffix == ".wav"} == {each["file"] for each in after}
    await refusal(it, "DELETE", f"{path}/3", 404)
    await asked(it, "DELETE", f"{path}/1")
    assert "only clip" in (await refusal(it, "DELETE", f"{path}/1"))["message"]
    await refusal(it, "DELETE", "/api/voices/nobody/references/1", 404)


async def test_a_recording_is_checked_before_a_voice_is_made_of_it(it: HttpHouse, tmp_path: Path) -> None:
    found = await asked(it, "POST", "/api/voices/check", data=form_of(("audio", speech_wav(6.0))))
    assert found["duration"] == pytest.approx(6.0, abs=0.3)
    assert (found["sample_rate"], found["warnings"]) == (24000, [])
    assert -40 < found["level"] < 0 < found["above_noise"]
    short = await asked(it, "POST", "/api/voices/check", json={"audio": in_base64(speech_wav(2.5))})
    assert "best record 3 to 10 seconds" in short["warnings"][0]
    error = await refusal(it, "POST", "/api/voices/check", data=form_of(("audio", speech_wav(1.0))))
    assert (error["param"], "2 to 30 are possible" in error["message"]) == ("audio", True)
    error = await refusal(it, "POST", "/api/voices/check", data=form_of(("audio", b"x"), ("language", "de")))
    assert error["param"] == "language"
    assert files_in(tmp_path) == []


async def test_clips_that_come_at_once_are_all_kept(it: HttpHouse) -> None:
    await anna(it)
    bodies = [{"references": [clip(f"Clip {number}.", hertz=100.0 + number)]} for number in range(4)]
    await asyncio.gather(*(asked(it, "POST", "/api/voices/anna/references", json=body) for body in bodies))
    profile = (await asked(it, "GET", "/api/voices/anna"))["profile"]
    assert len(profile["references"]) == 5


async def test_a_voice_is_removed_with_its_clips(it: HttpHouse, tmp_path: Path) -> None:
    await anna(it)
    assert await asked(it, "DELETE", "/api/voices/anna", 204) == b""
    await refusal(it, "GET", "/api/voices/anna", 404)
    await refusal(it, "DELETE", "/api/voices/anna", 404)
    assert not list((tmp_path / "voices" / "refs").glob("anna/*"))


async def test_a_voice_is_tested_with_its_own_sentence_or_a_given_one(it: HttpHouse) -> None:
    await anna(it, languages=["de"])
    lengths = []
    for body in (None, {"text": sample("de")}, {"text": "Kurz.", "response_format": "flac"}):
        async with it.client.post("/api/voices/anna/test", json=body) as answer:
            assert (answer.status, answer.headers["X-Koe-Voice"]) == (200, "anna")
            lengths.append(len(read_audio(await answer.read(), most_seconds=60).samples))
    assert lengths[0] == lengths[1] > lengths[2]
    assert (await refusal(it, "POST", "/api/voices/anna/test", json={"text": ""}))["param"] == "text"
    long = await refusal(it, "POST", "/api/voices/anna/test", json={"text": "a" * 200_000})
    assert long["code"] == "limit-exceeded"


async def test_no_other_voice_stands_in_when_one_is_tested(tmp_path: Path) -> None:
    async with making(tmp_path, Making(faults=Faults(fail_at=0)), Humming(), fallback="fake") as it:
        await anna(it)
        error = await refusal(it, "POST", "/api/voices/anna/test", 503)
        assert "anna can't speak" in error["message"]


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"name": ""}, "name", "at least 1"),
        ({"name": "a\nb"}, "name", "line break"),
        ({"colour": "red"}, "colour", "no such field"),
        ({"speed": 3}, "speed", "less than"),
        ({"pitch": 13}, "pitch", "less than"),
        ({"gain": True}, "gain", "number"),
        ({"seed": -1}, "seed", "greater"),
        ({"sampling": {"temperature": 0}}, "sampling.temperature", "greater"),
        ({"languages": ["?!"]}, "languages", "language tag"),
        ({"id": "../anna"}, "id", "a-z"),
        ({"id": "con"}, "id", "Windows"),
        ({"id": "fake-anna"}, "id", "engine"),
        ({"id": "ånna"}, "id", "a-z"),
        ({"id": "design"}, "id", "Koe uses it"),
        ({"references": []}, "references", "clips"),
        ({"base": "fake-low"}, "references", "either"),
        ({"references": [{"transcript": "x"}]}, "references.0.audio", "needed"),
        ({"references": [clip(), {"audio": "no base64!"}]}, "references.1.audio", "base64"),
        ({"references": [{"audio": in_base64(b"not a sound")}]}, "references.0.audio", "no audio file"),
        ({"references": [{"audio": in_base64(speech_wav()[:9000])}]}, "references.0.audio", "damaged"),
        ({"references": [{"audio": in_base64(b"#EXTM3U\nhttp://x/")}]}, "references.0.audio", "playlist"),
        ({"references": [clip(seconds=1.0)]}, "references.0.audio", "speech"),
        ({"references": [clip("x" * 2001)]}, "references.0.transcript", "2000"),
        ({"references": [clip(seconds=2.5)] * 11}, "references", "10"),
        ({"references": [clip(seconds=20.0)] * 2}, None, "30 are possible"),
    ],
)
async def test_a_voice_that_is_wrong_is_refused_by_name(
    it: HttpHouse, fields: dict[str, Any], param: str | None, says: str, tmp_path: Path
) -> None:
    error = await refusal(it, "POST", "/api/voices", json={"name": "Anna", "references": [clip()], **fields})
    assert error["param"] == param
    assert says in error["message"]
    assert not files_in(tmp_path)


async def test_an_id_that_is_taken_is_refused(it: HttpHouse) -> None:
    await anna(it, id="anna")
    error = await refusal(it, "POST", "/api/voices", json={"name": "X", "id": "anna", "references": [clip()]})
    assert "already" in error["message"]


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([("data", '{"name": "Anna"}')], "references"),
        ([("data", "{"), ("ref", speech_wav())], None),
        ([("ref", speech_wav())], "name"),
        ([("data", '{"name": "Anna"}'), ("ref", b"no sound")], "ref.0"),
        ([("data", '{"name": "Anna"}'), ("ref", "text")], "ref"),
        ([("data", '{"name": "Anna"}'), ("file", speech_wav())], "file"),
        ([("data", b'{"name": "Anna"}'), ("ref", speech_wav())], "data"),
        ([("data", '{"name": "Anna"}'), ("ref", speech_wav()), ("text", "a"), ("text", "b")], "text"),
        ([("data", "{}"), ("data", "{}"), ("ref", speech_wav())], "data"),
        ([("data", '{"name": "Anna", "references": [{"audio": "x"}]}'), ("ref", speech_wav())], "data"),
        ([("name", "Anna"), ("ref", speech_wav())], "name"),
    ],
)
async def test_a_form_that_is_wrong_is_refused_by_name(
    it: HttpHouse, parts: list[tuple[str, bytes | str]], param: str | None
) -> None:
    assert (await refusal(it, "POST", "/api/voices", data=form_of(*parts)))["param"] == param


@pytest.mark.parametrize("name", [b"\xff", b"ref\xff", "ré".encode()])
@pytest.mark.parametrize("path", ["/api/voices", "/api/voices/import", "/api/voices/transcribe"])
async def test_names_that_are_no_text_are_told_all_the_same(it: HttpHouse, path: str, name: bytes) -> None:
    for filename in (b"", b'; filename="\xff.wav"'):
        body = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\nx\r\n--x--\r\n' % (name, filename)
        await refusal(it, "POST", path, data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})


async def test_the_name_of_an_archive_may_be_no_text(it: HttpHouse) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("audio.wav", speech_wav())
        archive.writestr("reference.txt", WORDS)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff.zip"\r\n\r\n'
    body = head + packed.getvalue() + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    report = await asked(it, "POST", "/api/voices/import", data=body, headers=headers)
    assert len(report["imported"]) == 1


async def test_a_form_that_is_cut_short_makes_nothing(it: HttpHouse, tmp_path: Path) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"name": "Anna"}\r\n'
    body += b'--x\r\nContent-Disposition: form-data; name="ref"; filename="a.wav"\r\n\r\n' + speech_wav()[:50_000]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    await refusal(it, "POST", "/api/voices", data=body, headers=headers)
    async with it.raw() as (_, writer):
        head = "POST /api/voices HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        writer.write(f"{head}Content-Length: {len(body) + 1000}\r\n\r\n".encode() + body)
        await writer.drain()
        await eventually(lambda: it.server.busy == 1)
    await eventually(lambda: it.server.busy == 0)
    assert not files_in(tmp_path)


async def test_other_bodies_are_refused(it: HttpHouse) -> None:
    for path in ("/api/voices", "/api/voices/import", "/api/voices/transcribe", "/api/profiles"):
        await refusal(it, "POST", path, 415, data="name=Anna", headers={"Content-Type": "text/plain"})
    await refusal(it, "POST", "/api/voices", data=b"\xff{", headers={"Content-Type": "application/json"})


async def test_uploads_have_a_limit(tmp_path: Path) -> None:
    async with making(tmp_path, max_upload_bytes=100_000, max_body_bytes=50_000) as it:
        await refusal(it, "POST", "/api/voices", 413, json={"name": "Anna", "references": [clip()]})
        await refusal(it, "POST", "/api/voices", 413, data=form_of(("ref", speech_wav())))
        await refusal(it, "POST", "/api/voices/import", 413, data=form_of(("file", speech_wav())))
        await refusal(it, "PATCH", "/api/voices/anna", 413, json={"description": "x" * 60_000})


@pytest.mark.parametrize(
    "voice_id",
    ["nobody", "..%2F..%2Fsecret", "%2e%2e", "..%5Csecret", "anna%00", "%FF", "con", "%F0%9F%98%80", "a" * 3000, "."],
)
async def test_no_id_leads_elsewhere(it: HttpHouse, voice_id: str, tmp_path: Path) -> None:
    await anna(it)
    (tmp_path / "voices" / "secret.json").write_text("{}")
    tries: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PATCH", "", {"name": "X"}),
        ("POST", "/references", {"references": [clip()]}),
        ("GET", "/references/1", None),
        ("GET", "/references/1/waveform", None),
        ("POST", "/test", {}),
    ]
    for method, rest, body in tries:
        url = URL(f"{it.url}/api/voices/{voice_id}{rest}", encoded=True)
        async with it.client.request(method, url, json=body) as answer:
            assert answer.status in (404, 405), (method, rest, await answer.text())
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/1"), ("POST", "/1/keep")]:
        url = URL(f"{it.url}/api/designs/{voice_id}{path}", encoded=True)
        async with it.client.request(method, url, json={"name": "X"} if method == "POST" else None) as answer:
            assert answer.status in (404, 405)
    assert (tmp_path / "voices" / "secret.json").exists()


async def test_a_built_in_voice_stays(it: HttpHouse) -> None:
    error = await refusal(it, "DELETE", "/api/voices/fake-low", 404)
    assert error["code"] == "unknown-voice"


async def design(house: HttpHouse, status: int = 200, **fields: Any) -> Any:
    body = {"description": "a calm old sailor", **fields}
    return await asked(house, "POST", "/api/designs", status, json=body, headers={"Accept": "application/json"})


async def test_a_design_tells_of_each_candidate_and_one_is_kept(it: HttpHouse) -> None:
    body = {"description": "a calm old sailor", "language": "de", "seeds": [5, 6]}
    async with it.client.post("/api/designs", json=body) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        events = await events_of(answer)
    assert [name for name, _ in events] == ["candidate", "candidate", "done"]
    first = events[0][1]
    assert (first["id"], first["number"], first["seed"]) == ("a-calm-old-sailor", 1, 5)
    made = events[-1][1]["design"]
    assert made["candidates"] == [events[0][1], events[1][1]]
    assert (made["text"], made["language"]) == (sample("de"), "de-DE")
    assert (await asked(it, "GET", "/api/designs"))["designs"] == [made]
    assert await asked(it, "GET", f"/api/designs/{made['id']}") == made
    async with it.client.get(first["url"]) as answer:
        assert (answer.status, answer.content_type) == (200, "audio/wav")
        sound = read_audio(await answer.read(), most_seconds=30)
        assert len(sound.samples) / sound.sample_rate == pytest.approx(first["duration"], abs=0.001)
    for number in ("3", "0", "x"):
        await refusal(it, "GET", f"/api/designs/{made['id']}/{number}", 404)
        await refusal(it, "POST", f"/api/designs/{made['id']}/{number}/keep", 404, json={"name": "X"})
    kept = await asked(it, "POST", f"/api/designs/{made['id']}/2/keep", 201, json={"name": "Sailor", "id": "sailor"})
    assert (kept["profile"]["kind"], kept["profile"]["design"]) == ("designed", "a calm old sailor")
    async with it.client.post("/api/voices/sailor/test") as answer:
        assert (answer.status, answer.headers["X-Koe-Voice"]) == (200, "sailor")
        await answer.read()
    await refusal(it, "POST", f"/api/designs/{made['id']}/1/keep", json={"name": "S", "id": "sailor"})


async def test_a_design_is_removed_and_what_was_kept_of_it_stays(it: HttpHouse, tmp_path: Path) -> None:
    made = await design(it, seeds=[5])
    path = f"/api/designs/{made['id']}"
    await asked(it, "POST", f"{path}/1/keep", 201, json={"name": "Sailor", "id": "sailor"})
    async with it.client.delete(path) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
    assert (await asked(it, "GET", "/api/designs"))["designs"] == []
    assert not list((tmp_path / "voices" / "designs").iterdir())
    for method, rest in (("DELETE", ""), ("GET", ""), ("GET", "/1")):
        await refusal(it, method, path + rest, 404)
    async with it.client.post("/api/voices/sailor/test") as answer:
        assert answer.status == 200
        await answer.read()


async def test_a_design_that_is_removed_while_it_is_made_does_not_come_back(it: HttpHouse) -> None:
    designer = it.house.designer
    made = designer.design("a calm old sailor", language="en", seeds=[1, 2])
    designer.remove((await anext(made)).id)
    with pytest.raises(UnknownVoice, match="was removed while it was made"):
        await anext(made)
    assert designer.designs() == []


async def test_a_design_may_be_answered_at_its_end(it: HttpHouse) -> None:
    made = await design(it, text="Ahoy there, and welcome aboard.", candidates=2)
    assert (len(made["candidates"]), made["text"]) == (2, "Ahoy there, and welcome aboard.")
    assert len((await design(it))["candidates"]) == 3


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"description": ""}, "description"),
        ({"description": "  "}, None),
        ({"description": "x" * 2001}, "description"),
        ({"language": "?!"}, "language"),
        ({"candidates": 0}, "candidates"),
        ({"candidates": 11}, "candidates"),
        ({"seeds": []}, "seeds"),
        ({"seeds": [-1]}, "seeds.0"),
        ({"seeds": [1, 2], "candidates": 3}, None),
        ({"text": ""}, "text"),
    ],
)
async def test_a_design_that_is_wrong_is_refused(it: HttpHouse, fields: dict[str, Any], param: str | None) -> None:
    assert (await design(it, 400, **fields))["error"]["param"] == param


async def test_a_design_without_its_model_is_an_answer_of_its_own(tmp_path: Path) -> None:
    async with making(tmp_path, FakeEngine()) as it:
        async with it.client.post("/api/designs", json={"description": "a sailor"}) as answer:
            assert answer.status == 503
        body = {"name": "Sailor", "voice_description": "a sailor"}
        await refusal(it, "POST", "/api/voice-presets/create", 503, json=body)


class FailingLater(Making):
    """After its first candidate."""

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        if self.asked:
            self._faults = Faults(fail_at=0)
        return super().open(voice, options)


async def test_a_design_that_fails_later_ends_with_an_error(tmp_path: Path) -> None:
    async with making(tmp_path, FailingLater()) as it:
        async with it.client.post("/api/designs", json={"description": "a sailor"}) as answer:
            events = await events_of(answer)
        assert [name for name, _ in events] == ["candidate", "error"]
        assert events[-1][1]["error"]["code"] == "engine-failed"


async def test_a_long_silence_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(designing, "SILENCE", 0.05)
    async with (
        making(tmp_path, Making(faults=Faults(hang_at=2))) as it,
        it.client.post("/api/designs", json={"description": "a sailor"}) as answer,
    ):
        assert answer.status == 200
        assert (await answer.content.readline()).startswith(b":")


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("path", ["/api/designs", "/api/voice-presets/create", "/api/voices/fake-low/test"])
async def test_a_client_that_leaves_frees_the_engine(tmp_path: Path, path: str, accept: str) -> None:
    engine = Making(faults=Faults(hang_at=2))
    bodies = {
        "/api/designs": {"description": "a sailor"},
        "/api/voice-presets/create": {"name": "Sailor", "voice_description": "a sailor"},
        "/api/voices/fake-low/test": {},
    }
    async with making(tmp_path, engine) as it:
        asking = asyncio.create_task(it.client.post(path, json=bodies[path], headers={"Accept": accept}))
        await eventually(lambda: engine.open_streams == 1)
        if asking.done():
            asking.result().close()
        asking.cancel()
        await eventually(lambda: engine.open_streams == 0)
        await eventually(lambda: it.server.busy == 0)
        assert it.server.app[busy.TURNS].speaking == 0


async def test_voices_go_from_house_to_house(it: HttpHouse, tmp_path: Path) -> None:
    await refusal(it, "GET", "/api/voices/export")
    await anna(it)
    await anna(it, name="Bert")
    async with it.client.get("/api/voices/export?id=anna&id=bert") as answer:
        assert (answer.status, answer.content_type) == (200, "application/zip")
        assert "attachment" in answer.headers["Content-Disposition"]
        archive = await answer.read()
    async with it.client.get("/api/voices/export") as answer:
        assert await answer.read() == archive
    assert "profiles/bert.json" in zipfile.ZipFile(io.BytesIO(archive)).namelist()
    await refusal(it, "GET", "/api/voices/export?id=anna&id=nobody", 404)

    async with making(tmp_path / "other") as other:
        raw: dict[str, Any] = {"data": archive, "headers": {"Content-Type": "application/zip"}}
        tried = await asked(other, "POST", "/api/voices/import?dry_run=true", **raw)
        assert (len(tried["imported"]), tried["dry_run"]) == (2, True)
        assert (await asked(other, "GET", "/api/profiles"))["voices"] == []
        report = await asked(other, "POST", "/api/voices/import", data=form_of(("file", archive)))
        assert report["imported"] == [{"there": "anna", "here": "anna"}, {"there": "bert", "here": "bert"}]
        assert "here already" in (await refusal(other, "POST", "/api/voices/import", **raw))["message"]
        report = await asked(other, "POST", "/api/voices/import?on_clash=rename", **raw)
        assert report["imported"][0] == {"there": "anna", "here": "anna-2"}
        assert (await asked(other, "POST", "/api/voices/import?on_clash=skip", **raw))["skipped"] == ["anna", "bert"]
        assert (await refusal(other, "POST", "/api/voices/import?on_clash=x", **raw))["param"] == "on_clash"
        for broken in (b"", b"no zip", archive[:-100], archive[100:]):
            await refusal(other, "POST", "/api/voices/import", data=form_of(("file", broken)))
        assert (await refusal(other, "POST", "/api/voices/import", data=form_of(("zip", archive))))["param"] == "zip"


async def test_recordings_in_a_zip_become_a_voice(it: HttpHouse) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("carla.wav", speech_wav())
        archive.writestr("carla.txt", WORDS)
    form = form_of(("file", packed.getvalue()))
    report = await asked(it, "POST", "/api/voices/import?language=de", data=form)
    assert [each["here"] for each in report["imported"]] == ["carla"]


async def test_a_zip_that_leads_out_of_itself_is_refused(it: HttpHouse) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.wav", speech_wav())
    await refusal(it, "POST", "/api/voices/import", data=form_of(("file", packed.getvalue())))


async def test_the_paths_of_open_speech(it: HttpHouse) -> None:
    body = {
        "name": "Old sailor",
        "voice_description": "a calm old sailor",
        "sample_text": "Ahoy there, and welcome aboard of the oldest ship that ever sailed these seas.",
    }
    made = await asked(it, "POST", "/api/voice-presets/create", 201, json=body)
    assert (made["profile"]["id"], made["profile"]["kind"]) == ("old-sailor", "designed")
    assert (
        made["profile"]["references"][0]["transcript"]
        == "Ahoy there, and welcome aboard of the oldest ship that ever sailed these seas."
    )
    await asked(it, "POST", "/api/profiles", 201, json={"name": "Anna", "references": [clip()]})
    found = (await asked(it, "GET", "/api/profiles"))["voices"]
    assert sorted(each["id"] for each in found) == ["anna", "old-sailor"]
    await asked(it, "DELETE", "/api/profiles/anna", 204)
    await refusal(it, "DELETE", "/api/profiles/fake-low", 404)


def test_each_path_is_described_once() -> None:
    found = [(each.method, each.path) for each in voices.ENDPOINTS]
    assert len(found) == len(set(found))


async def test_nothing_that_is_made_up_is_a_surprise(tmp_path: Path) -> None:
    async with http_house(
        tmp_path, voices.ENDPOINTS, Making(), prepare=busy.install, requests_per_minute=1_000_000
    ) as it:
        await anna(it)
        await fuzz(it, examples=8)
