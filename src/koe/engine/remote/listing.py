"""What a server tells of itself, as one kind of server or the other words it."""

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from koe.core.languages import canonical, spoken_by_all
from koe.engine.qwen.voices import NATIVE_LANGUAGES
from koe.settings.schema.remote import RemoteServer

Kind = Literal["vllm-omni", "koe", "nari", "openai"]

PREFIX = "remote-"
"""Of the ids of its voices."""

UPLOAD_PREFIX = "koe-"
"""Of the names under which clips were uploaded, followed by UPLOAD_DIGITS hexadecimal digits."""

UPLOAD_DIGITS = 16

_MOST = 5000
"""Voices or models of one server."""

_UPLOADED = re.compile(rf"{UPLOAD_PREFIX}[0-9a-f]{{{UPLOAD_DIGITS}}}")
_KOKORO = re.compile("[a-z][fm]_.+")
_KOKORO_LANGUAGES = {
    "a": "en-US", "b": "en-GB", "e": "es-ES", "f": "fr-FR", "h": "hi-IN", "i": "it-IT", "j": "ja-JP", "p": "pt-BR",
    "z": "zh-CN",
}  # fmt: skip
"""By the first letter of a voice of Kokoro's."""

_Word = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _name(value: object) -> object:
    """Kokoro-FastAPI tells of objects, the others of names."""
    return value.get("id") or value.get("name") if isinstance(value, Mapping) else value


class _Model(BaseModel):
    id: _Word
    owned_by: Annotated[str, Field(max_length=300)] = ""


class Models(BaseModel):
    """Of GET /v1/models."""

    data: Annotated[list[_Model], Field(max_length=_MOST)] = []


class _Uploaded(BaseModel):
    name: _Word


class _Detail(BaseModel):
    """Koe's own."""

    id: _Word
    name: _Word
    languages: Annotated[list[_Word], Field(min_length=1, max_length=100)]
    engine: str = ""
    styles: Annotated[list[_Word], Field(max_length=100)] = []


class Voices(BaseModel):
    """Of GET /v1/audio/voices."""

    voices: Annotated[list[Annotated[_Word, BeforeValidator(_name)]], Field(max_length=_MOST)] = []
    uploaded_voices: Annotated[list[_Uploaded], Field(max_length=_MOST)] = []
    details: Annotated[list[_Detail], Field(max_length=_MOST)] = []


@dataclass(frozen=True, slots=True)
class RemoteVoice:
    name: str
    """As the server calls it."""

    title: str
    languages: tuple[str, ...]
    styles: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return PREFIX + re.sub(r"[^a-z0-9_.-]+", "-", self.name.lower())


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server has."""

    kind: Kind
    model: str = ""
    """The checkpoint of a server that has one."""

    voices: Mapping[str, RemoteVoice] = field(default_factory=dict)
    """By id."""

    uploaded: frozenset[str] = frozenset()
    clones: bool = False
    """Whether it speaks in the voice of a recording."""

    designs: bool = False
    """Whether it makes voices up from a description."""

    size: str | None = None
    """Of its checkpoint, where its name tells."""

    @property
    def instructs(self) -> bool:
        """Whether it may be told how to speak: the 0.6B checkpoints don't understand it."""
        return self.size != "0.6B"


def listing(settings: RemoteServer, models: Models, voices: Voices, styles: Sequence[str]) -> Listing:
    """`styles`: those that Koe translates into words."""
    kind = _kind(settings, models)
    names = [each.id for each in models.data]
    model = settings.model or (names[0] if kind in ("vllm-omni", "nari") and names else "")
    task = _task(settings, model)
    size = next((size for size in ("0.6B", "1.7B") if size.lower() in model.lower()), None)
    listed = _own_voices(voices) if kind == "koe" else _voices(settings, voices, () if size == "0.6B" else styles, kind)
    chosen = {each.lower() for each in settings.voices}
    uploaded = frozenset(each.name for each in voices.uploaded_voices)
    checkpoints = names if kind == "koe" else ()
    return Listing(
        kind,
        model,
        {each.id: each for each in listed if not chosen or each.name.lower() in chosen},
        uploaded,
        clones=task == "Base" or settings.upload or any("-Base" in name for name in checkpoints),
        designs=task == "VoiceDesign" or any("VoiceDesign" in name for name in checkpoints),
        size=size,
    )


def _kind(settings: RemoteServer, models: Models) -> Kind:
    if settings.kind != "auto":
        return settings.kind
    owner = models.data[0].owned_by.lower() if models.data else ""
    known: tuple[Kind, ...] = ("vllm-omni", "koe", "nari")
    return next((kind for kind in known if kind.partition("-")[0] in owner), "openai")


def _task(settings: RemoteServer, model: str) -> str:
    """What the checkpoint is for."""
    if settings.task != "auto":
        return settings.task
    return next((task for task in ("VoiceDesign", "Base") if model.rpartition("-")[2] == task), "CustomVoice")


def _own_voices(voices: Voices) -> list[RemoteVoice]:
    """Of another Koe, but for those that it has from elsewhere: two that ask each other would never end."""
    return [
        RemoteVoice(each.id, _shown(each.name), languages, tuple(map(_shown, each.styles)))
        for each in voices.details
        if each.engine not in ("remote", "fake") and (languages := _tags(each.languages))
    ]


def _tags(languages: Iterable[str]) -> tuple[str, ...]:
    """Those that are language tags."""
    found = []
    for language in languages:
        with contextlib.suppress(ValueError):
            found.append(canonical(language))
    return tuple(found)


def _shown(text: str) -> str:
    """Nothing that could disturb a list or a log."""
    return "".join(letter for letter in text if letter.isprintable())


def _voices(settings: RemoteServer, voices: Voices, styles: Sequence[str], kind: Kind) -> list[RemoteVoice]:
    """Where a server lists none, those of the settings. Clips that were uploaded belong to voices of the house."""
    names = voices.voices or list(settings.voices)
    taken = tuple(styles) if kind in ("vllm-omni", "nari") else ()
    own = [name for name in names if not _UPLOADED.fullmatch(name)]
    return [RemoteVoice(name, _title(name), _languages(settings, name), taken) for name in own]


def _title(name: str) -> str:
    return _shown(name.replace("_", " ").title() if name.islower() else name)


def _languages(settings: RemoteServer, name: str) -> tuple[str, ...]:
    if settings.languages:
        return _tags(settings.languages)
    if _KOKORO.fullmatch(name) and name[0] in _KOKORO_LANGUAGES:
        return (_KOKORO_LANGUAGES[name[0]],)
    return spoken_by_all(NATIVE_LANGUAGES.get(name.lower(), "en"))
