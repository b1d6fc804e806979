"""What the checkpoints that are here can do, as the settings want it: a picture that is replaced, never changed."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property

from koe.core.errors import EngineUnavailable, KoeError, RequestError, UsualProblem
from koe.core.voice import Voice
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.choice import Wanted, choose
from koe.engine.qwen.published import DOWNLOAD, Ability, published
from koe.engine.qwen.voices import named_voices
from koe.settings import QwenSettings

_log = logging.getLogger(__name__)

_SPEAKING = (Ability.NAMED, Ability.CLONE, Ability.DESIGN)
_CODEC = "Qwen3-TTS-Tokenizer-12Hz"


class Shelf:
    def __init__(self, found: Sequence[Checkpoint], settings: QwenSettings) -> None:
        self.found, self._settings = found, settings
        self.lacks = ""
        """Why nobody can speak, and what to do; empty where somebody can."""

        self.problem: UsualProblem | None = None
        """The name of that, where it has one."""

        self.able = self._find_able()
        """For each ability the checkpoint that has it, the named voices' first."""

    @cached_property
    def voices(self) -> tuple[Voice, ...]:
        return named_voices(self._named(), tuple(self._settings.styles))

    def choose(self, wanted: Wanted) -> Checkpoint:
        """Raises as `choice.choose` does."""
        return choose(wanted, self.found, self._settings.size, preferred=self._settings.checkpoint)

    def speaking(self, name: str) -> Checkpoint:
        """The one of this name. Raises RequestError where it isn't here, EngineUnavailable where it can't speak."""
        checkpoint = next((each for each in self.found if each.name == name), None)
        if checkpoint is None:
            raise RequestError(f"the checkpoint {name!r} isn't here")
        if checkpoint.problem:
            raise EngineUnavailable(f"{checkpoint.problem}; {checkpoint.remedy}", problem="checkpoint-damaged")
        if checkpoint.ability is Ability.CODEC:
            raise RequestError(f"{name} is the codec alone: it is loaded when there is something to encode or decode")
        return checkpoint

    def codec(self) -> Checkpoint:
        """Whose codec is the least to load; every checkpoint carries one. Raises EngineUnavailable."""
        usable = [each for each in self.found if not each.problem]
        if not usable:
            raise EngineUnavailable(f"no checkpoint with a codec is here; get it with: {DOWNLOAD} {_CODEC}")
        return min(usable, key=lambda each: each.ability is not Ability.CODEC)

    def without(self, name: str) -> "Shelf":
        return Shelf([each for each in self.found if each.name != name], self._settings)

    def _find_able(self) -> Mapping[Ability, Checkpoint]:
        able: dict[Ability, Checkpoint] = {}
        obstacles: dict[Ability, KoeError] = {}
        for ability in _SPEAKING:
            try:
                able[ability] = self.choose(Wanted(ability))
            except KoeError as error:
                obstacles[ability] = error
        if not able:
            self.lacks = obstacles[Ability.NAMED].message
            self.problem = obstacles[Ability.NAMED].problem
        elif Ability.NAMED in obstacles:
            _log.warning("there are no named voices: %s", obstacles[Ability.NAMED].message)
        return able

    def _named(self) -> Sequence[Checkpoint]:
        """Those with named voices: the house's own choice, then the published ones, then fine-tunes."""
        if Ability.NAMED not in self.able:
            return ()
        named = [each for each in self.found if each.ability is Ability.NAMED and not each.problem]
        favourite, size = self.able[Ability.NAMED] if self._settings.checkpoint else None, self._settings.size
        return sorted(named, key=lambda each: (each is not favourite, published(each.name) is None, each.size != size))
