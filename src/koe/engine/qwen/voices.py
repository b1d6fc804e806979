"""The named speakers of a checkpoint as Koe's voices."""

from collections.abc import Sequence

from koe.core.languages import LANGUAGES
from koe.core.voice import Voice
from koe.engine.qwen.checkpoints import Checkpoint

PREFIX = "qwen-"

_NATIVE = {
    "vivian": "zh", "serena": "zh", "uncle_fu": "zh", "dylan": "zh", "eric": "zh",
    "ryan": "en", "aiden": "en", "ono_anna": "ja", "sohee": "ko",
}  # fmt: skip
"""Each of the published speakers speaks all languages, and its own best."""

_REGIONS = {
    "zh": "zh-CN", "en": "en-US", "ja": "ja-JP", "ko": "ko-KR", "de": "de-DE",
    "fr": "fr-FR", "ru": "ru-RU", "pt": "pt-BR", "es": "es-ES", "it": "it-IT",
}  # fmt: skip


def named_voices(checkpoint: Checkpoint, styles: Sequence[str]) -> tuple[Voice, ...]:
    """A voice for each speaker, its native language first; styles only where the checkpoint takes an instruct."""
    taken = tuple(styles) if checkpoint.instruct else ()
    return tuple(
        Voice(PREFIX + speaker, _title(speaker, dialect), _tags(speaker, checkpoint), "qwen", styles=taken)
        for speaker, dialect in checkpoint.speakers.items()
    )


def speaker_of(voice: Voice) -> str:
    """As the model knows it."""
    return voice.id.removeprefix(PREFIX)


def _title(speaker: str, dialect: str | None) -> str:
    name = speaker.replace("_", " ").title()
    native = _NATIVE.get(speaker)
    about = dialect.replace("_", " ") if dialect else ""
    if not about and native:
        about = _REGIONS[native]
    return f"{name} ({about})" if about else name


def _tags(speaker: str, checkpoint: Checkpoint) -> tuple[str, ...]:
    spoken = [language for language in LANGUAGES if language in checkpoint.languages]
    native = _NATIVE.get(speaker)
    ordered = sorted(spoken, key=lambda language: language != native)
    return tuple(_REGIONS[language] for language in ordered) or ("en-US",)
