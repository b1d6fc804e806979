"""Voices into one file, to be carried to another house."""

import hashlib
import secrets
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from koe.core.errors import MalformedInput
from koe.core.profile import Profile, Reference
from koe.core.zips import check_count
from koe.voices.files import to_json
from koe.voices.store import VoiceStore
from koe.voices.transfer import manifest as manifests
from koe.voices.transfer.contents import Allowance
from koe.voices.transfer.limits import MOST_ENTRIES
from koe.voices.transfer.own import profile_path, reference_path, sample_path

_WHEN = (1980, 1, 1, 0, 0, 0)
"""The same voices give the same bytes."""

_READABLE = 0o100644 << 16


def export_voices(
    store: VoiceStore,
    ids: Sequence[str],
    target: BinaryIO | Path,
    *,
    samples: Mapping[str, bytes] | None = None,
) -> None:
    """One zip of the voices, in the order of their ids. Blocks; to be called in a thread.

    `samples`: by id, WAV of what a voice sounds like. A path appears only once everything is written; a stream need
    not be seekable and stays open. Before anything is written, raises UnknownVoice; MalformedInput where there is no
    voice to export, a sample of none of them, or a voice without its references; LimitExceeded for more than an import
    takes.
    """
    samples = samples or {}
    profiles = [store.get(voice_id) for voice_id in sorted(set(ids))]
    _check(store, profiles, samples)
    if not isinstance(target, Path):
        _write(store, profiles, target, samples)
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            _write(store, profiles, file, samples)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _write(store: VoiceStore, profiles: Sequence[Profile], file: BinaryIO, samples: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for path, data in _files(store, profiles, samples):
            entry = zipfile.ZipInfo(path, _WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is written
            entry.external_attr = _READABLE
            archive.writestr(entry, data)


def _check(store: VoiceStore, profiles: Sequence[Profile], samples: Mapping[str, bytes]) -> None:
    if not profiles:
        raise MalformedInput("an export needs a voice: name at least one")
    if strange := sorted(samples.keys() - {profile.id for profile in profiles}):
        raise MalformedInput(f"there is a sample of {strange[0]!r}, which isn't exported")
    allowance = Allowance()
    for count, (path, data) in enumerate(_files(store, profiles, samples), 1):
        check_count(count, MOST_ENTRIES)
        allowance.take(path, len(data), len(data))


def _files(store: VoiceStore, profiles: Sequence[Profile], samples: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    yield manifests.PATH, manifests.Manifest(voices=[profile.id for profile in profiles]).to_json()
    for profile in profiles:
        clips = {each.file: _clip(store, profile, each) for each in profile.references}
        yield profile_path(profile.id), to_json(_as_found(profile, clips))
        for file in sorted(clips):
            yield reference_path(profile.id, file), clips[file]
        if profile.id in samples:
            yield sample_path(profile.id), samples[profile.id]


def _clip(store: VoiceStore, profile: Profile, reference: Reference) -> bytes:
    path = store.reference_path(profile.id, reference)
    try:
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(
            f"the voice {profile.id} can't be exported: its reference {path} can't be read ({error.strerror or error})"
        ) from error


def _as_found(profile: Profile, clips: Mapping[str, bytes]) -> Profile:
    """With the checksums of the files as they are: somebody may have put another recording in place of one."""
    references = (replace(each, sha256=hashlib.sha256(clips[each.file]).hexdigest()) for each in profile.references)
    return replace(profile, references=tuple(references))
