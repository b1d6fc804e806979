"""Which engine speaks a request, in which voice, and who stands in for it."""

import asyncio
import contextlib
import difflib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from koe.core.errors import EngineUnavailable, KoeError, UnknownVoice
from koe.core.installation import command
from koe.core.languages import best_match, canonical
from koe.core.text import detect
from koe.core.text.normalise import Normaliser
from koe.core.voice import Voice, VoiceKind
from koe.engine import ENGINES, Engine, SpeechOptions
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech.casting import Candidate, Casting
from koe.speech.engines import EngineHealth, Engines
from koe.speech.request import Ear, SpeechRequest
from koe.speech.utterance import Utterance
from koe.voices.store import VoiceStore

MAKER = "qwen"
"""The engine of which is told where none clones or makes voices up from a description."""

_log = logging.getLogger(__name__)


class Speaker:
    """Turns requests into utterances. It owns the engines."""

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        fallback: str | None,
        engine: str | None = None,
        default_language: str,
        speech: SpeechSettings,
        voice: VoiceSettings,
        store: VoiceStore | None = None,
    ) -> None:
        """`engines`: the default one first. `fallback`: the name of the one that stands in for the others; None:
        nothing does. `engine`: the name of the one that speaks where no voice is named; None: the first that can.
        `store`: the voices that users made."""
        self._engines = Engines(engines)
        self._default_engine, self._default_language = engine, default_language
        self.apply(speech, voice, fallback)
        self._casting = Casting(self._engines, store, self._engines.absence)
        self._listen: Callable[[SpeechRequest], Ear] | None = None
        self.keeps_rooms = False
        """Whether what is said to rooms is to be kept."""

    def apply(self, speech: SpeechSettings, voice: VoiceSettings, fallback: str | None) -> None:
        """For requests that begin afterwards."""
        self._speech, self._voice, self._fallback = speech, voice, fallback
        self._language = voice.language or self._default_language

    @property
    def health(self) -> Mapping[str, EngineHealth]:
        """How each engine is now."""
        return self._engines.health

    async def start(self) -> None:
        """Raises EngineUnavailable if no engine can speak, UnknownVoice if the house's default voice isn't there."""
        await self._engines.start()
        if not self.voices():
            reasons = "; ".join(f"{name}: {health.reason}" for name, health in self.health.items())
            raise EngineUnavailable(f"no engine can speak ({reasons})")
        # The last step: whoever can do without that voice may go on.
        if self._voice.default is not None:
            # Its engine may still get what it lacks.
            with contextlib.suppress(EngineUnavailable):
                self._by_id(self._voice.default)

    async def refresh(self, name: str) -> None:
        """An engine may have got what it lacked, or lost it."""
        await self._engines.refresh(name)

    async def stop(self) -> None:
        await self._engines.stop()

    async def warm_up(self) -> None:
        """Say something to nobody, so that the first request finds everything loaded that is loaded in a moment: what
        takes longer, engines load by themselves."""
        if any(len(voice.languages) > 1 for voice in self.voices()):
            await asyncio.to_thread(detect.warm)
        try:
            utterance = self.open(SpeechRequest(voice=self._quickest_voice().id))
        except EngineUnavailable as error:
            _log.warning("%s", error.message)
            return
        utterance.feed("21 °C.")
        utterance.finish()
        async with aclosing(utterance):
            try:
                async for _ in utterance:
                    pass
            except KoeError as error:
                _log.warning("the voice %s can't speak now: %s", utterance.stats.voice, error.message)

    def _quickest_voice(self) -> Voice:
        engine = self._engines.get(self._fallback or "")
        own = _speaks(self._language, engine.voices()) if engine is not None else None
        return own or self.default_voice()

    def keep_with(self, listen: Callable[[SpeechRequest], Ear] | None) -> None:
        """Who hears the requests that are to be kept; None: nobody any more."""
        self._listen = listen

    @property
    def keeps(self) -> bool:
        """Whether requests can be kept."""
        return self._listen is not None

    def engine(self, name: str) -> Engine | None:
        return self._engines.get(name)

    @property
    def can_clone(self) -> bool:
        """Whether an engine speaks in the voices of clips; not whether it is ready."""
        return any(map(self._casting.makes, self._engines))

    def voices(self) -> list[Voice]:
        """The voices of now: the default engine's first, users' own last."""
        return self._casting.voices()

    def open(self, request: SpeechRequest) -> Utterance:
        """To be called in the event loop that will iterate. Raises UnknownVoice, and EngineUnavailable where nobody may
        stand in."""
        if request.language is not None:
            request = replace(request, language=_tag(request.language))
        chosen = self._made_up(request) or self._cast(self._choose(request))
        voice = chosen.voice
        if request.style and request.style not in voice.styles:
            _log.info("voice %s has no style %r: ignored", voice.id, request.style[:100])
        normaliser = Normaliser(
            _language_of(request, voice),
            candidates=voice.languages,
            text_format=request.text_format,
            fallback=self._likely_language(voice),
        )
        fallback = None if request.description or request.clip else self._fallback_for(request, chosen)
        ear = self._listen(request) if request.keep and self._listen is not None else None
        return Utterance(request, chosen, fallback, self._speech, normaliser, ear)

    def default_voice(self, language: str | None = None) -> Voice:
        """What speaks where no voice is named. Raises UnknownVoice where no voice speaks that language,
        EngineUnavailable where it can't speak and nobody may stand in."""
        return self._choose(SpeechRequest(language=_tag(language) if language is not None else None))

    def usual_voice(self) -> Voice | None:
        """The default voice; None where there is none now."""
        try:
            return self.default_voice()
        except KoeError:
            return None

    def _choose(self, request: SpeechRequest) -> Voice:
        if request.voice is not None:
            return self._by_id(request.voice)
        if request.language is not None:
            return self._by_language(request.language)
        if (own := self._own()) is not None:
            return own
        voices = self._unnamed()
        return _speaks(self._language, voices) or voices[0]

    def _unnamed(self) -> list[Voice]:
        """Those that may speak where none is named. Raises EngineUnavailable where that would be standing in."""
        name = self._default_engine
        if self._fallback is None and name is not None and (reason := self._engines.absence(name)):
            raise _nobody_stands_in("the house", reason)
        return self.voices()

    def _own(self) -> Voice | None:
        """The house's default voice. One that was removed since it was chosen must not silence the house."""
        if self._voice.default is None:
            return None
        try:
            return self._by_id(self._voice.default)
        except UnknownVoice as error:
            _log.warning("the default voice is gone, another one speaks: %s", error.message)
            return None

    def _by_id(self, voice_id: str) -> Voice:
        voices = {voice.id: voice for voice in self.voices()}
        if voice_id in voices:
            return voices[voice_id]
        obstacle = self._casting.obstacle(voice_id) or self._absent_engine(voice_id)
        if obstacle is not None and self._fallback is None:
            raise _nobody_stands_in(voice_id, obstacle[0])
        if obstacle is not None:
            return self._stand_in(voice_id, *obstacle)
        # Cut, because the search takes long where the word is long.
        near = difflib.get_close_matches(voice_id[:100], voices, n=3, cutoff=0.5)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise UnknownVoice(f"there is no voice {voice_id[:100]!r}{hint} (`koe voices` lists them all)")

    def _stand_in(self, voice_id: str, reason: str, language: str | None) -> Voice:
        """For a voice that isn't there now: Home Assistant still has it in its pipelines, and the house must not fall
        silent."""
        _log.warning("%s can't speak, for %s; another voice does", voice_id, reason)
        voices = self._casting.voices()
        return _speaks(language or self._language, voices) or _speaks(self._language, voices) or voices[0]

    def _absent_engine(self, voice_id: str) -> tuple[str, None] | None:
        """Why the engine that a built-in voice belongs to isn't there, or may not know it yet, if that is so."""
        name = voice_id.partition("-")[0]
        reason = (self._engines.absence(name) if name in ENGINES else "") or self._engines.unseen(name)
        return (reason, None) if reason else None

    def _cast(self, voice: Voice) -> Candidate:
        try:
            return self._casting.candidate(voice)
        except EngineUnavailable as error:
            others = [each for each in self._casting.voices() if each.engine == self._fallback]
            stand_in = _speaks(voice.languages[0], others)
            if stand_in is None:
                raise
            _log.warning("%s can't speak, for %s; %s does", voice.id, error.message, stand_in.id)
            return self._casting.candidate(stand_in)

    def _made_up(self, request: SpeechRequest) -> Candidate | None:
        """A voice for this request alone; None: one of the house is wanted."""
        if not request.description and request.clip is None:
            return None
        what = "designed" if request.description else "cloned"
        maker = self._casting.maker(MAKER, designs=bool(request.description))
        if reason := self._engines.absence(maker):
            raise EngineUnavailable(f"no voice can be {what}: {reason} ({command('doctor')} tells what it needs)")
        kind = VoiceKind.DESIGNED if request.description else VoiceKind.CLONED
        languages = (request.language or self._language,)
        voice = Voice("design" if request.description else "clone", f"a {what} voice", languages, maker, kind)
        return Candidate(self._engines[maker], voice, voice, SpeechOptions(clip=request.clip))

    def _by_language(self, language: str) -> Voice:
        """The house's own voice, if it speaks that language; else the first that does."""
        own = [voice for voice in self.voices() if voice.id == self._voice.default]
        voice = _speaks(language, own) or _speaks(language, self._unnamed())
        if voice is None:
            raise UnknownVoice(f"no voice speaks {language[:100]!r} (`koe voices` lists them all)")
        return voice

    def _likely_language(self, voice: Voice) -> str:
        """Of a text that doesn't tell: the house's, where a built-in voice speaks that; what users made has its own."""
        house = best_match(self._language, voice.languages) if voice.kind is VoiceKind.NAMED else None
        return house or voice.languages[0]

    def _fallback_for(self, request: SpeechRequest, chosen: Candidate) -> Candidate | None:
        voice, engine = chosen.voice, self._engines.get(self._fallback or "")
        if engine is None or self._fallback == voice.engine:
            return None
        if chosen.defaults.clip is not None and self._casting.makes(engine.name):
            return replace(chosen, engine=engine)
        stand_in = _namesake(voice, engine)
        stand_in = stand_in or _speaks(request.language or self._likely_language(voice), engine.voices())
        return Candidate(engine, stand_in, stand_in) if stand_in is not None else None


def _nobody_stands_in(who: str, reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"{who} can't speak: {reason}; nothing stands in, for the setting engine.fallback is null: mend that, choose "
        "another voice, or set engine.fallback to espeak"
    )


def _namesake(voice: Voice, engine: Engine) -> Voice | None:
    """The same speaker, where another engine has them: qwen-ryan for remote-ryan, espeak-de for remote-espeak-de."""
    own, _, name = voice.id.partition("-")
    if own != voice.engine:
        return None
    return next((each for each in engine.voices() if each.id in (name, f"{engine.name}-{name}")), None)


def _tag(language: str) -> str:
    try:
        return canonical(language)
    except ValueError as error:
        raise UnknownVoice(str(error)) from None


def _language_of(request: SpeechRequest, voice: Voice) -> str | None:
    if request.language is not None:
        return request.language
    return voice.languages[0] if len(voice.languages) == 1 else None


def _speaks(language: str, voices: Collection[Voice]) -> Voice | None:
    """The first voice whose languages fit best, before others one that speaks it best of its own."""
    tag = best_match(language, [tag for voice in voices for tag in voice.languages])
    able = [voice for voice in voices if tag in voice.languages]
    return min(able, key=lambda voice: voice.languages[0] != tag, default=None)
