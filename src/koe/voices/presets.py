"""Voices that are declared in `config/voices.yaml`, by people who keep their house in git.

voices:
  - name: Newsreader
    base: qwen-ryan
    language: en-GB
    instruct: Read clearly and evenly.
    effects: ["reverb:wet=0.1"]
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from koe.core.effects import Chain
from koe.core.errors import SettingsError
from koe.core.languages import at_home, spoken_by_all
from koe.core.profile import Profile
from koe.core.voice import VoiceKind
from koe.settings import yaml_file
from koe.settings.names import did_you_mean
from koe.voices.fields import Id, Language, Languages, Name, Pitch, Seed, Speed, Text, VoiceId
from koe.voices.ids import make_id
from koe.voices.problems import Place, in_words

_ENGINES = ("espeak", "qwen", "remote", "fake")


class _Preset(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    id: Id | None = None
    name: Name
    base: VoiceId = Field(min_length=1)
    instruct: Text = ""
    language: Language | None = None
    languages: Languages | None = None
    speed: Speed = 1.0
    pitch: Pitch = 0.0
    effects: Chain = ()
    seed: Seed | None = None
    description: Text = ""

    @model_validator(mode="after")
    def _languages_once(self) -> "_Preset":
        if self.language is not None and self.languages is not None:
            raise ValueError("give language or languages, not both")
        return self


def read_presets(path: Path) -> tuple[Profile, ...]:
    """In the file's order; none where there is no such file. Raises SettingsError that names everything wrong."""
    text = yaml_file.read(path)
    if text is None:
        return ()
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    presets = list(_presets(text, path))
    _check_distinct(presets, path)
    taken = {preset.id for preset in presets if preset.id is not None}
    profiles: list[Profile] = []
    for preset in presets:
        id = preset.id or make_id(preset.name, taken)
        taken.add(id)
        profiles.append(_profile(preset, id, changed))
    return tuple(profiles)


def _presets(text: str, path: Path) -> Iterator[_Preset]:
    root = yaml_file.parse(text, str(path))
    for key, (line, _) in root.items.items():
        if key != "voices":
            raise SettingsError(
                f"{key[:100]} ({path} line {line}) is nothing here{did_you_mean(key[:100], ['voices'])}"
            )
    line, listed = root.items.get("voices", (1, None))
    if listed is None:
        return
    if not isinstance(listed, list):
        raise SettingsError(f"voices ({path} line {line}) is a list: each voice begins with `- name: ...`")
    lines = _Lines(text, path)
    problems: list[str] = []
    for index, values in enumerate(listed):
        try:
            yield _preset(index, values, lines)
        except SettingsError as error:
            problems.append(error.message)
    if problems:
        raise SettingsError("; ".join(problems))


def _preset(index: int, values: object, lines: "_Lines") -> _Preset:
    if not isinstance(values, dict):
        raise SettingsError(f"a voice{lines.where(index)} is written as `name: ...` and what else it has")
    lines.check_each_once(index)
    try:
        return _Preset.model_validate(values)
    except ValidationError as error:
        raise SettingsError(in_words(error, _Preset.model_fields, lambda place: lines.where(index, place))) from None


def _check_distinct(presets: Iterable[_Preset], path: Path) -> None:
    ids = [preset.id for preset in presets if preset.id is not None]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise SettingsError(f"{path}: two voices have the id {twice}")


def _profile(preset: _Preset, id: str, changed: datetime) -> Profile:
    engine = preset.base.partition("-")[0]
    return Profile(
        id=id,
        name=preset.name,
        kind=VoiceKind.NAMED,
        languages=_languages(preset),
        created=changed,
        changed=changed,
        description=preset.description,
        base=preset.base,
        engine=engine if engine in _ENGINES else "qwen",
        instruct=preset.instruct,
        seed=preset.seed,
        speed=preset.speed,
        pitch=preset.pitch,
        effects=preset.effects,
    )


def _languages(preset: _Preset) -> tuple[str, ...]:
    """Those given; else of an espeak voice the one that it is called after, of others all that Qwen3-TTS speaks."""
    given = (preset.language,) if preset.language is not None else preset.languages
    if given is None and preset.base.startswith("espeak-"):
        try:
            return (at_home(preset.base.removeprefix("espeak-")),)
        except ValueError:
            return ("en-US",)
    return tuple(map(at_home, given)) if given is not None else spoken_by_all("en")


@dataclass(frozen=True, slots=True)
class _Voice:
    line: int
    keys: tuple[tuple[str, int], ...]
    """With their lines."""


class _Lines:
    """Where in the file, which has a list of voices, each voice and its keys stand."""

    def __init__(self, text: str, path: Path) -> None:
        self._path = path
        root = cast(yaml.MappingNode, yaml.compose(text, Loader=yaml.SafeLoader))
        listed = next(value for key, value in root.value if key.value == "voices")
        self._voices = [_voice(node) for node in listed.value]

    def where(self, index: int, place: Place = ()) -> str:
        voice = self._voices[index]
        line = dict(voice.keys).get(str(place[0]), voice.line) if place else voice.line
        return f" ({self._path} line {line})"

    def check_each_once(self, index: int) -> None:
        keys = self._voices[index].keys
        names = [key for key, _ in keys]
        for position, (key, line) in enumerate(keys):
            if key in names[:position]:
                raise SettingsError(f"{key[:100]} ({self._path} line {line}) is there twice for one voice")


def _voice(node: yaml.Node) -> _Voice:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return _Voice(node.start_mark.line + 1, tuple((str(key.value), key.start_mark.line + 1) for key, _ in pairs))
