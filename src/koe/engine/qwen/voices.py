"""The named speakers of a checkpoint as Koe's voices."""

from collections.abc import Sequence

from koe.core.languages import LANGUAGES
from koe.core.voice import Voice
from koe.engine.qwen.checkpoints import Checkpoint

PREFIX = "qwen-"

NATIVE_LANGUAGES = {
    "vivian": "zh", "serena": "zh", "uncle_fu": "zh", "dylan": "zh", "eric": "zh",
    "ryan": "en", "aiden": "en", "ono_anna": "ja", "sohee": "ko",
}  # fmt: skip
"""Each of the published speakers speaks all languages, and its own best."""

_REGIONS = {
    "zh": "zh-CN", "en": "en-US", "ja": "ja-JP", "ko": "ko-KR", "de": "de-DE",
    "fr": "fr-FR", "ru": "ru-RU", "pt": "pt-BR", "es": "es-ES", "it": "it-IT",
}  # fmt: skip


def named_voices(checkpoints: Sequence[Checkpoint], styles: Sequence[str]) -> tuple[Voice, ...]:
    """A voice for each speaker of any of these, its native language first; where several have one of that id, as the
    first has it. Styles only where one of them takes an instruct."""
    voices: dict[str, Voice] = {}
    able = {speaker_id(speaker) for each in checkpoints if each.instruct for speaker in each.speakers}
    for checkpoint in checkpoints:
        for speaker, dialect in checkpoint.speakers.items():
            if (name := speaker_id(speaker)) and name not in voices:
                taken = tuple(styles) if name in able else ()
                title, tags = _title(speaker, dialect), _tags(speaker, checkpoint)
                voices[name] = Voice(PREFIX + name, title, tags, "qwen", styles=taken)
    return tuple(voices.values())


def speaker_of(voice: Voice) -> str:
    """Its `speaker_id`."""
    return voice.id.removeprefix(PREFIX)


def speaker_id(speaker: str) -> str:
    """How users write a speaker that the model may know by capitals and spaces: `Grandma Ann` -> `grandma-ann`."""
    return "-".join(speaker.lower().split())


def _title(speaker: str, dialect: str | None) -> str:
    name = speaker.replace("_", " ")
    name = name.title() if name.islower() else name
    native = NATIVE_LANGUAGES.get(speaker)
    about = dialect.replace("_", " ") if dialect else ""
    if not about and native:
        about = _REGIONS[native]
    return f"{name} ({about})" if about else name


def _tags(speaker: str, checkpoint: Checkpoint) -> tuple[str, ...]:
    spoken = [language for language in LANGUAGES if language in checkpoint.languages]
    native = NATIVE_LANGUAGES.get(speaker)
    ordered = sorted(spoken, key=lambda language: language != native)
    return tuple(_REGIONS[language] for language in ordered) or ("en-US",)
