"""The composition root: builds everything once and passes it down. Here is what the server and commands share."""

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from koe.core.errors import EngineUnavailable, KoeError, UnknownVoice
from koe.core.installation import install
from koe.core.languages import canonical
from koe.engine import Engine
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine
from koe.engine.qwen.checkpoints import Checkpoint, find
from koe.engine.qwen.engine import QwenEngine, cloner, designer, is_installed
from koe.engine.qwen.prompt_files import is_cached, sweep
from koe.settings import Loaded, QwenSettings, Settings, Source, SourceKind
from koe.speech import Speaker
from koe.storage.outputs import Limits, Outputs
from koe.voices.store import VoiceStore

_log = logging.getLogger(__name__)

DEFAULT_LANGUAGE = "en-US"


@asynccontextmanager
async def open_speaker(
    loaded: Loaded, environ: Mapping[str, str] = os.environ, *, store: VoiceStore | None = None
) -> AsyncIterator[Speaker]:
    """A Speaker with its engines started, and stopped at the end. Raises EngineUnavailable, UnknownVoice."""
    settings = loaded.settings
    speaker = Speaker(
        _engines(settings, loaded.data_dir),
        fallback=settings.engine.fallback,
        engine=settings.engine.default if settings.engine.default != "auto" else None,
        default_language=system_language(environ),
        speech=settings.speech,
        voice=settings.voice,
        store=store or voice_store(loaded),
    )
    try:
        await _start(speaker, loaded)
        yield speaker
    finally:
        await speaker.stop()


async def _start(speaker: Speaker, loaded: Loaded) -> None:
    """Somebody may have removed the voice that was chosen over HTTP: that must not keep the house from starting."""
    try:
        await speaker.start()
    except UnknownVoice as error:
        source = loaded.sources.get("voice.default", Source())
        if source.kind is not SourceKind.OVERLAY:
            raise
        _log.warning("voice.default (%s): %s", source, error.message)


def voice_store(loaded: Loaded) -> VoiceStore:
    """The voices that users made, and those that config/voices.yaml declares."""
    return VoiceStore(loaded.data_dir, loaded.data_dir / "config" / "voices.yaml")


def outputs_of(loaded: Loaded) -> Outputs:
    """Finished runs and their history; neither served nor visited yet."""
    settings = loaded.settings.outputs
    age = timedelta(days=settings.max_age_days) if settings.max_age_days is not None else None
    return Outputs(loaded.data_dir / "outputs", Limits(age, settings.max_bytes))


def cached_voices(loaded: Loaded) -> set[str]:
    """Ids of the cloned voices that speak without hearing their clips first."""
    store, qwen = voice_store(loaded), loaded.settings.engine.qwen
    found, cached = find(loaded.data_dir), set()
    for profile in store.profiles():
        with contextlib.suppress(KoeError):
            clip = store.clip(profile)
            if clip is not None and is_cached(loaded.data_dir, clip.digest, cloner(found, qwen, profile.size)):
                cached.add(profile.id)
    return cached


def clone_obstacle(loaded: Loaded) -> KoeError | None:
    """Why no cloned voice can speak here, and what to do; None where it can, or a server elsewhere may do it."""
    return _obstacle(loaded, cloner)


def design_obstacle(loaded: Loaded) -> KoeError | None:
    """Why no voice can be designed here, and what to do, in the same way."""
    return _obstacle(loaded, designer)


def _obstacle(
    loaded: Loaded, choose: Callable[[Sequence[Checkpoint], QwenSettings, str | None], Checkpoint]
) -> KoeError | None:
    qwen = loaded.settings.engine.qwen
    if loaded.settings.engine.remote.servers:
        return None
    if not is_installed():
        return EngineUnavailable(f"Qwen3-TTS is not installed: run {install('qwen')}", problem="not-installed")
    if not qwen.enabled:
        return EngineUnavailable("the setting engine.qwen.enabled is false", problem="qwen-disabled")
    try:
        choose(find(loaded.data_dir), qwen, None)
    except KoeError as error:
        return error
    return None


def tidy(loaded: Loaded) -> None:
    """Remove what belongs to voices that are no more. A folder that can't be written stays as it is."""
    store = voice_store(loaded)
    try:
        digests = {clip.digest for profile in store.profiles() if (clip := store.clip(profile)) is not None}
        if not store.broken():
            store.sweep()
            sweep(loaded.data_dir, digests)
    except (KoeError, OSError) as error:
        _log.warning("what is left of removed voices stays: %s", error)


def system_language(environ: Mapping[str, str]) -> str:
    """BCP-47 tag of the system's language; English where it has none."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        # C, POSIX and names such as `german` are no tags.
        with contextlib.suppress(ValueError):
            return canonical(environ.get(name, ""))
    return DEFAULT_LANGUAGE


def _engines(settings: Settings, data_dir: Path) -> Sequence[Engine]:
    """The default engine first."""
    chosen = settings.engine
    engines: list[Engine] = [EspeakEngine(chosen.espeak.rate, chosen.espeak.pitch)]
    if chosen.default == "qwen" or (chosen.qwen.enabled and is_installed()):
        engines.insert(0, QwenEngine(chosen.qwen, data_dir))
    if chosen.remote.servers:
        # aiohttp takes its time: only those who need it wait for it.
        from koe.engine.remote import RemoteEngine

        engines.insert(0, RemoteEngine(chosen.remote, data_dir, chosen.qwen.styles))
    if chosen.fake.enabled:
        engines.append(FakeEngine())
    return sorted(engines, key=lambda engine: chosen.default not in ("auto", engine.name))
