"""Voices to be carried: real speech, a store that holds some."""

import asyncio
import io
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from koe.core.effects import PRESETS
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine
from koe.voices.making import clone, prepare_clip, vary
from koe.voices.store import VoiceStore

SENTENCES = {
    "anna": "The kettle is on, and the rain has stopped at last.",
    "bert": "Shall we open the window and let the evening in?",
    "carla": "Der Tee ist fertig, und es regnet endlich nicht mehr.",
}

Tree = dict[str, bytes]


@pytest.fixture(scope="session")
def clips() -> dict[str, bytes]:
    """WAV as a user would record it, 22050 Hz, 2 to 5 s, by who speaks."""
    return asyncio.run(_spoken())


async def _spoken() -> dict[str, bytes]:
    engine = EspeakEngine()
    await engine.start()
    try:
        return {name: await _wav(engine, text) for name, text in SENTENCES.items()}
    finally:
        await engine.stop()


async def _wav(engine: EspeakEngine, text: str) -> bytes:
    voice = next(voice for voice in engine.voices() if voice.id == "espeak-en-us")
    stream = engine.open(voice, SpeechOptions())
    try:
        stream.feed(text)
        stream.finish()
        pcm = b"".join([chunk async for chunk in stream])
    finally:
        await stream.aclose()
    encoded = io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(engine.sample_rate)
        file.writeframes(pcm)
    return encoded.getvalue()


@pytest.fixture
def full(tmp_path: Path, clips: dict[str, bytes]) -> VoiceStore:
    """A house with anna (two references), bert, and quick, which varies a built-in voice."""
    store = VoiceStore(tmp_path / "full")
    anna = [prepare_clip(clips["anna"], SENTENCES["anna"]), prepare_clip(clips["bert"], SENTENCES["bert"])]
    clone(store, "Anna", anna, description="Calm. «Ruhig»", tags=("house",), seed=7)
    clone(store, "Bert", [prepare_clip(clips["bert"], SENTENCES["bert"])], gain=-1.5)
    vary(store, "Quick", Voice("qwen-ryan", "Ryan", ("en-US", "zh-CN"), "qwen"), speed=1.25, effects=PRESETS["M3GAN"])
    return store


@pytest.fixture
def empty(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path / "empty")


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[str], Tree]:
    """All files of a house but its lock, by path."""

    def of(house: str) -> Tree:
        root = tmp_path / house
        files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

    return of
