"""Voices that Koe exported.

    manifest.json            what it is and which voices it holds
    profiles/<id>.json       as in the store
    refs/<id>/<file>.wav     as in the store
    samples/<id>.wav         not always: what the voice sounds like, for whoever looks into the archive

Nothing else may be there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from koe.audio.reference import from_wav, joined
from koe.core.errors import MalformedInput, RequestError
from koe.core.profile import Profile, Reference
from koe.voices.files import from_json
from koe.voices.transfer import manifest as manifests
from koe.voices.transfer.arrival import Arrival, Origin, Parcel
from koe.voices.transfer.contents import Contents
from koe.voices.transfer.documents import read_json


def profile_path(voice_id: str) -> str:
    return f"profiles/{voice_id}.json"


def reference_path(voice_id: str, file: str) -> str:
    return f"refs/{voice_id}/{file}"


def sample_path(voice_id: str) -> str:
    return f"samples/{voice_id}.wav"


def read_own(contents: Contents, manifest: dict[str, Any]) -> Parcel:
    """Every voice, or none: raises MalformedInput, LimitExceeded that name the file."""
    voice_ids = manifests.check_manifest(manifest).voices
    voices = [_voice(contents.files, voice_id) for voice_id in voice_ids]
    _check_nothing_else(contents, voices)
    return Parcel(Origin.KOE, tuple(voices))


def _voice(files: Mapping[str, bytes], voice_id: str) -> Arrival:
    path = profile_path(voice_id)
    data = _file(files, path)
    read_json(path, data)
    try:
        profile = from_json(data)
    except RequestError as error:
        raise type(error)(f"{path!r}: {error.message}") from error
    if profile.id != voice_id:
        raise MalformedInput(f"{path!r} holds the voice {profile.id!r}: file and id have to agree")
    clips = tuple(_clip(files, profile, reference) for reference in profile.references)
    _check_clips(path, clips)
    return Arrival(profile, clips)


def _clip(files: Mapping[str, bytes], profile: Profile, reference: Reference) -> bytes:
    path = reference_path(profile.id, reference.file)
    data = _file(files, path)
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise MalformedInput(f"{path!r} is not what its profile describes: its sha256 is another")
    return data


def _check_clips(path: str, clips: Sequence[bytes]) -> None:
    """A checksum says that nothing changed on the way, not that it is a recording."""
    try:
        joined([from_wav(clip) for clip in clips])
    except RequestError as error:
        raise type(error)(f"the references of {path!r}: {error.message}") from error


def _file(files: Mapping[str, bytes], path: str) -> bytes:
    if path not in files:
        raise MalformedInput(f"the archive lacks {path!r}")
    return files[path]


def _check_nothing_else(contents: Contents, voices: Sequence[Arrival]) -> None:
    ours = {manifests.PATH}
    for profile in (voice.profile for voice in voices):
        ours |= {profile_path(profile.id), sample_path(profile.id)}
        ours |= {reference_path(profile.id, each.file) for each in profile.references}
    if strange := [path for path in (*contents.files, *contents.left_out) if path not in ours]:
        raise MalformedInput(f"the archive holds {strange[0]!r}, which belongs to none of its voices")
