"""Whose voice a request gets: built-in speakers of the engines, and the voices that users made out of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from koe.core.effects import Effect
from koe.core.errors import EngineUnavailable, KoeError
from koe.core.profile import Profile
from koe.core.voice import Voice, VoiceKind
from koe.engine import Engine, Maker, SpeechOptions
from koe.voices.store import VoiceStore


@dataclass(frozen=True, slots=True)
class Candidate:
    """A voice, and what its engine is told to speak as it."""

    engine: Engine
    voice: Voice
    """As it is listed."""

    speaker: Voice
    """As the engine knows it."""

    defaults: SpeechOptions = field(default_factory=SpeechOptions)
    """Where the request says nothing."""

    speed: float = 1.0
    pitch: float = 0.0
    """Semitones."""

    gain: float = 0.0
    """dB."""

    effects: tuple[Effect, ...] = ()
    """Where the request says nothing."""


class Casting:
    def __init__(self, engines: Mapping[str, Engine], store: VoiceStore | None, absent: Callable[[str], str]) -> None:
        """`absent`: why an engine isn't ready; empty where it is."""
        self._engines, self._store, self._absent = engines, store, absent

    def voices(self) -> list[Voice]:
        """The voices of now: the default engine's first, users' own last."""
        built_in = self._built_in()
        own = [self._listed(profile, built_in) for profile in self._profiles()]
        return [*built_in.values(), *(voice for voice in own if voice is not None and self._has(voice))]

    def _has(self, voice: Voice) -> bool:
        """Also where its engine can't be reached for a moment."""
        return not self._absent(voice.engine) or self.makes(voice.engine)

    def candidate(self, voice: Voice) -> Candidate:
        """Raises EngineUnavailable where the voice can't speak now."""
        engine = self._engines[voice.engine]
        profile = self._profile(voice.id)
        if profile is None or self._store is None:
            return Candidate(engine, voice, voice)
        try:
            clip = self._store.clip(profile)
        except KoeError as error:
            # A clip that somebody deleted: the house speaks on, in another voice.
            raise EngineUnavailable(error.message) from error
        defaults = SpeechOptions(
            instruct=profile.instruct or None,
            seed=profile.seed,
            sampling=profile.sampling,
            clip=clip,
            size=profile.size,
        )
        speaker = self._built_in().get(profile.base, voice)
        return Candidate(
            *(engine, voice, speaker, defaults),
            speed=profile.speed,
            pitch=profile.pitch,
            gain=profile.gain,
            effects=profile.effects,
        )

    def maker(self, usual: str, *, designs: bool = False) -> str:
        """The engine that speaks in the voices of clips, or of descriptions: the first that can and is ready, else the
        first that can, else the usual one."""
        able = [name for name in self._engines if self.makes(name, designs=designs)]
        return next((name for name in able if not self._absent(name)), able[0] if able else usual)

    def makes(self, name: str, *, designs: bool = False) -> bool:
        """Whether that engine can; not whether it is ready."""
        engine = self._engines.get(name)
        return isinstance(engine, Maker) and (engine.can_design if designs else engine.can_clone)

    def obstacle(self, voice_id: str) -> tuple[str, str | None] | None:
        """Why a voice that the house knows can't speak now, and the language that it would have spoken."""
        profile = self._profile(voice_id)
        if profile is not None:
            engine = profile.base.partition("-")[0] if profile.base else self.maker(profile.engine)
            reason = self._absent(engine) or f"its base voice {profile.base} isn't there"
            return reason, profile.languages[0]
        for broken in self._store.broken() if self._store is not None else ():
            if broken.id == voice_id:
                return broken.reason, None
        return None

    def _profiles(self) -> tuple[Profile, ...]:
        return self._store.profiles() if self._store is not None else ()

    def _profile(self, voice_id: str) -> Profile | None:
        return next((profile for profile in self._profiles() if profile.id == voice_id), None)

    def _built_in(self) -> dict[str, Voice]:
        return {voice.id: voice for engine in self._engines.values() for voice in engine.voices()}

    def _listed(self, profile: Profile, built_in: Mapping[str, Voice]) -> Voice | None:
        if profile.kind is not VoiceKind.NAMED:
            return replace(profile.voice, engine=self.maker(profile.engine))
        base = built_in.get(profile.base)
        if base is None:
            return None
        return Voice(profile.id, profile.name, profile.languages, base.engine, VoiceKind.NAMED, base.styles)
