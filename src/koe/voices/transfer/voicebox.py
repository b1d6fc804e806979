"""Voices that voicebox (https://github.com/jamiepine/voicebox) exported.

    manifest.json   {"version": "1.0", "profile": {"name", "description", "language"}, "has_avatar": ...}
    samples.json    {"<file>.wav": "what is said in it", ...}
    samples/<file>.wav
    avatar.png      not always

Whatever else its JSON holds is passed over: later versions of it add keys.
"""

from collections.abc import Mapping
from typing import Any

from koe.core.errors import MalformedInput
from koe.voices.transfer.arrival import Origin, Parcel
from koe.voices.transfer.contents import Contents
from koe.voices.transfer.documents import read_json
from koe.voices.transfer.recordings import Recording, canonical_or_none, cloned

_SAMPLES = "samples.json"
_VERSION = "1"
"""What stands before the first dot."""


def is_voicebox(manifest: Any) -> bool:
    return isinstance(manifest, dict) and "version" in manifest and bool(manifest.keys() & {"profile", "generation"})


def read_voicebox(contents: Contents, manifest: Mapping[str, Any], language: str | None = None) -> Parcel:
    """One cloned voice. `language`: where the archive names none. Raises MalformedInput, LimitExceeded."""
    version = str(manifest["version"])
    if version.partition(".")[0] != _VERSION:
        raise MalformedInput(f"'manifest.json' is of voicebox's version {version!r}; Koe reads {_VERSION}.x")
    if "generation" in manifest:
        raise MalformedInput("the archive holds a generation of voicebox, not a voice: export the voice's profile")
    profile = _object("manifest.json", manifest["profile"])
    recordings = _recordings(contents)
    arrival, warnings = cloned(
        _text(profile, "name") or contents.name or "voicebox",
        recordings,
        taken=(),
        language=canonical_or_none(_text(profile, "language")) or language,
        description=_text(profile, "description"),
    )
    named = {"manifest.json", _SAMPLES, *(each.path for each in recordings)}
    passed_over = [path for path in contents.files if path not in named] + list(contents.left_out)
    return Parcel(Origin.VOICEBOX, (arrival,), (*warnings, *(f"{path!r}: left out" for path in passed_over)))


def _recordings(contents: Contents) -> list[Recording]:
    if _SAMPLES not in contents.files:
        raise MalformedInput(f"the archive of voicebox has no {_SAMPLES!r}")
    samples = _object(_SAMPLES, read_json(_SAMPLES, contents.files[_SAMPLES]))
    if not samples:
        raise MalformedInput(f"{_SAMPLES!r} names no sample: a voice needs one")
    return [_recording(contents, file, said) for file, said in samples.items()]


def _recording(contents: Contents, file: str, said: Any) -> Recording:
    path = f"samples/{file}"
    if path not in contents.files:
        raise MalformedInput(f"{_SAMPLES!r} names {file!r}, but there is no {path!r}")
    if not isinstance(said, str | None):
        raise MalformedInput(f"{_SAMPLES!r}: what is said in {file!r} is no text")
    return Recording(path, contents.files[path], said or "")


def _object(path: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedInput(f"{path!r} is not built as voicebox builds it")
    return value


def _text(profile: Mapping[str, Any], key: str) -> str:
    """Empty where there is none."""
    value = profile.get(key)
    if not isinstance(value, str | None):
        raise MalformedInput(f"'manifest.json': the profile's {key!r} is no text")
    return (value or "").strip()
