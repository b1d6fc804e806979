"""Which checkpoint serves a request.

    a named voice                the CustomVoice of the preferred size
    a named voice with instruct  the 1.7B CustomVoice
    a description                VoiceDesign
    a reference clip             the Base of the preferred size

A request may name a checkpoint of its own choice instead; one that can't do it is refused, never replaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from koe.core.errors import (
    EngineUnavailable,
    KoeError,
    RequestError,
    UnknownVoice,
    UnsupportedAbility,
    UsualProblem,
)
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.published import DOWNLOAD, Ability, Size, published, published_for
from koe.engine.qwen.voices import speaker_id

_MISSING: dict[Ability, UsualProblem] = {
    Ability.NAMED: "checkpoint-missing",
    Ability.DESIGN: "design-checkpoint-missing",
    Ability.CLONE: "clone-checkpoint-missing",
}

_KINDS = {
    Ability.NAMED: "named voices",
    Ability.DESIGN: "voices from a description",
    Ability.CLONE: "voices from a reference clip",
    Ability.CODEC: "speech",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks of a checkpoint."""

    ability: Ability

    speaker: str | None = None
    """Of a named voice, in any spelling with the same `speaker_id`; None: any."""

    instruct: bool = False
    """Whether the voice is told how to speak. A description is not an instruct here."""

    size: Size | None = None
    """Taken where it is here, before what the house prefers."""


def choose(
    wanted: Wanted,
    found: Sequence[Checkpoint],
    size: Size,
    override: str | None = None,
    *,
    preferred: str | None = None,
) -> Checkpoint:
    """The one that serves it: of the wanted size where there is one, then `preferred` where that can do it, else of the
    preferred size, the published before fine-tunes. `override` alone is kept to.

    Raises UnsupportedAbility where nothing of that kind can do it, UnknownVoice where nobody knows the speaker,
    EngineUnavailable where the one that could isn't here or is damaged, RequestError for an unknown override.
    """
    if wanted.instruct and wanted.ability is not Ability.NAMED:
        raise UnsupportedAbility(f"{_KINDS[wanted.ability]} take no instruct; {_who_takes_instruct()} does")
    size = wanted.size or size
    if override:
        return _usable(_overridden(override, wanted, found, size))
    favourite = _by_name(preferred, found) if preferred else None
    able = [each for each in found if _obstacle(wanted, each) is None]
    if not able:
        raise _nobody(wanted, found, size)
    return _usable(min(able, key=lambda each: _rank(each, wanted, size, favourite)))


def _rank(checkpoint: Checkpoint, wanted: Wanted, size: Size, favourite: Checkpoint | None) -> tuple[bool, ...]:
    """The lowest goes first."""
    return (
        checkpoint.problem is not None,
        wanted.size not in (None, checkpoint.size),
        checkpoint is not favourite,
        checkpoint.size != size,
        published(checkpoint.name) is None,
    )


def _overridden(name: str, wanted: Wanted, found: Sequence[Checkpoint], size: Size) -> Checkpoint:
    checkpoint = _by_name(name, found)
    if obstacle := _obstacle(wanted, checkpoint):
        raise UnsupportedAbility(f"{obstacle}; {_who(wanted, size)} does")
    return checkpoint


def _by_name(name: str, found: Sequence[Checkpoint]) -> Checkpoint:
    known = published(name)
    full_name = known.name if known else name
    for each in found:
        if each.name.lower() == full_name.lower():
            return each
    if known:
        words = f"{known.name} isn't here; get it with: {DOWNLOAD} {known.name}"
        raise EngineUnavailable(words, problem=_MISSING.get(known.ability))
    here = ", ".join(each.name for each in found) or "none"
    raise RequestError(f"there is no checkpoint {name!r}; here are: {here}")


def _obstacle(wanted: Wanted, checkpoint: Checkpoint) -> str | None:
    """Why it can't serve the request."""
    if checkpoint.ability is not wanted.ability:
        return f"{checkpoint.name} doesn't speak {_KINDS[wanted.ability]}"
    if wanted.instruct and not checkpoint.instruct:
        return f"{checkpoint.name} takes no instruct"
    if wanted.speaker and speaker_id(wanted.speaker) not in map(speaker_id, checkpoint.speakers):
        return f"{checkpoint.name} has no speaker {wanted.speaker!r}"
    return None


def _nobody(wanted: Wanted, found: Sequence[Checkpoint], size: Size) -> KoeError:
    kin = [each for each in found if each.ability is wanted.ability and not each.problem]
    knows_speaker = [each for each in kin if _obstacle(Wanted(wanted.ability, wanted.speaker), each) is None]
    if kin and not knows_speaker:
        names = ", ".join(sorted({name for each in kin for name in each.speakers}))
        return UnknownVoice(f"no checkpoint has a speaker {wanted.speaker!r}; there are: {names}")
    get = f"get it with: {DOWNLOAD} {_who(wanted, size)}"
    if knows_speaker:
        return UnsupportedAbility(f"{_obstacle(wanted, knows_speaker[0])}; {_who(wanted, size)} does; {get}")
    words = f"no checkpoint for {_KINDS[wanted.ability]} is here; {get}"
    return EngineUnavailable(words, problem=_MISSING.get(wanted.ability))


def _usable(checkpoint: Checkpoint) -> Checkpoint:
    if checkpoint.problem:
        raise EngineUnavailable(f"{checkpoint.problem}; {checkpoint.remedy}", problem="checkpoint-damaged")
    return checkpoint


def _who(wanted: Wanted, size: Size) -> str:
    return published_for(wanted.ability, size, instruct=wanted.instruct).name


def _who_takes_instruct() -> str:
    return published_for(Ability.NAMED, "1.7B", instruct=True).name
