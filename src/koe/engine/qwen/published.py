"""What the makers of Qwen3-TTS publish."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from koe.core.installation import command

Size = Literal["0.6B", "1.7B"]

PREFIX = "Qwen3-TTS-12Hz-"
DOWNLOAD = command("models download")
VERIFY = command("models verify")


class Ability(StrEnum):
    """What a checkpoint is for."""

    NAMED = "named"
    """Speaks in voices that it knows by name."""

    DESIGN = "design"
    """Speaks in a voice that it is given a description of."""

    CLONE = "clone"
    """Speaks in the voice of a reference clip."""

    CODEC = "codec"
    """Turns codes into sound and back; every other checkpoint has its own copy."""


@dataclass(frozen=True, slots=True)
class Published:
    name: str

    repo: str
    """On the Hugging Face hub."""

    ability: Ability

    size: Size | None

    bytes: int
    """About; what a download really takes is known once the hub was asked."""

    @property
    def instruct(self) -> bool:
        """Whether a named voice can be told how to speak."""
        return self.ability is Ability.NAMED and self.size == "1.7B"


def _published(short: str, ability: Ability, size: Size | None, parameters: int) -> Published:
    # bfloat16, the codec of 170,557,441 parameters in float32, and 5 MB of tokenizer and configuration.
    name = PREFIX + short
    return Published(name, f"Qwen/{name}", ability, size, 2 * parameters + 4 * 170_557_441 + 5_000_000)


PUBLISHED = (
    _published("0.6B-CustomVoice", Ability.NAMED, "0.6B", 905_788_672),
    _published("1.7B-CustomVoice", Ability.NAMED, "1.7B", 1_916_676_352),
    _published("1.7B-VoiceDesign", Ability.DESIGN, "1.7B", 1_916_676_352),
    _published("0.6B-Base", Ability.CLONE, "0.6B", 914_643_008),
    _published("1.7B-Base", Ability.CLONE, "1.7B", 1_928_677_440),
    Published("Qwen3-TTS-Tokenizer-12Hz", "Qwen/Qwen3-TTS-Tokenizer-12Hz", Ability.CODEC, None, 4 * 170_557_441),
)


def published(name: str) -> Published | None:
    """By its name, its repository or the end of its name (`0.6B-Base`), in any case."""
    wanted = name.strip().lower()
    for each in PUBLISHED:
        if wanted in (each.name.lower(), each.repo.lower(), each.name.removeprefix(PREFIX).lower()):
            return each
    return None


def published_for(ability: Ability, size: Size, *, instruct: bool = False) -> Published:
    """The one to download for it: of that size where there is one that can do it."""
    able = [each for each in PUBLISHED if each.ability is ability and (each.instruct or not instruct)]
    return min(able, key=lambda each: each.size != size)
