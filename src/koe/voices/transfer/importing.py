"""Voices from elsewhere into the store: all of them or none."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import BinaryIO, Literal

from koe.core.errors import KoeError, RequestError
from koe.core.profile import Profile
from koe.voices.ids import make_id
from koe.voices.store import VoiceStore
from koe.voices.transfer.arrival import Arrival
from koe.voices.transfer.reading import read_import

OnClash = Literal["refuse", "rename", "replace", "skip"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    imported: tuple[tuple[str, str], ...] = ()
    """Of each voice that came in: its id in the archive, its id here."""

    skipped: tuple[str, ...] = ()
    """Ids that were here already and stayed as they were."""

    replaced: tuple[str, ...] = ()
    """Ids that were here already and are now what came; also in `imported`."""

    warnings: tuple[str, ...] = ()
    """For people: what was left out, what could be better."""


@dataclass(frozen=True, slots=True)
class _Step:
    archive_id: str
    arrival: Arrival
    before: Arrival | None = None
    """What it replaces."""


def import_voices(
    store: VoiceStore,
    source: Path | bytes | BinaryIO,
    *,
    on_clash: OnClash = "refuse",
    dry_run: bool = False,
    language: str | None = None,
    name: str = "",
) -> ImportReport:
    """Bring in what `read_import` reads. Blocks; to be called in a thread.

    `on_clash`, where an id is here already: refuse everything; rename what comes; replace what is here (its `created`
    stays); skip what comes. `dry_run`: check and report, write nothing.

    All is checked before anything is written. Where writing fails all the same, what was written is taken back; a
    voice that was replaced then is as before save for its time of change. Raises what `read_import` raises,
    RequestError where an id is taken, and what the store raises.
    """
    parcel = read_import(source, language=language, name=name)
    here = _ids(store)
    skipped = [each.profile.id for each in parcel.voices if on_clash == "skip" and each.profile.id in here]
    coming = [each for each in parcel.voices if each.profile.id not in skipped]
    steps = _plan(store, coming, here, on_clash)
    if not dry_run:
        _carry_out(store, steps)
    return ImportReport(
        imported=tuple((step.archive_id, step.arrival.profile.id) for step in steps),
        skipped=tuple(skipped),
        replaced=tuple(step.archive_id for step in steps if step.before),
        warnings=parcel.warnings,
    )


def _ids(store: VoiceStore) -> set[str]:
    return {each.id for each in store.profiles()} | {each.id for each in store.broken()}


def _plan(store: VoiceStore, coming: Sequence[Arrival], here: set[str], on_clash: OnClash) -> list[_Step]:
    clashing = [each.profile.id for each in coming if each.profile.id in here]
    if clashing and on_clash == "refuse":
        raise RequestError(
            f"{', '.join(clashing)}: here already. Import under another id (rename), in their place (replace), or only "
            "the others (skip)"
        )
    names = {each.name for each in store.profiles()}
    taken = here | {each.profile.id for each in coming}
    steps = []
    for each in coming:
        voice_id = each.profile.id
        if voice_id not in here:
            steps.append(_Step(voice_id, each))
        elif on_clash == "replace":
            steps.append(_Step(voice_id, each, _kept(store, voice_id)))
        else:
            renamed = _renamed(each.profile, taken, names)
            taken.add(renamed.id)
            names.add(renamed.name)
            steps.append(_Step(voice_id, replace(each, profile=renamed)))
    return steps


def _renamed(profile: Profile, taken: set[str], names: set[str]) -> Profile:
    """With an id that is free, and a name that tells it from the voice that is here."""
    tries = (f"{profile.name[:90]} ({number})" for number in count(2))
    name = profile.name if profile.name not in names else next(each for each in tries if each not in names)
    return replace(profile, id=make_id(profile.id, taken), name=name)


def _kept(store: VoiceStore, voice_id: str) -> Arrival:
    """A voice that is here, to be put back."""
    profile = store.get(voice_id)
    clips = []
    for reference in profile.references:
        # One that is missing can't be put back, and is no reason to refuse a better voice.
        with contextlib.suppress(OSError):
            clips.append(store.reference_path(voice_id, reference).read_bytes())
    return Arrival(profile, tuple(clips))


def _carry_out(store: VoiceStore, steps: Sequence[_Step]) -> None:
    done: list[_Step] = []
    try:
        # New ones first: where one fails, nothing that was here has been touched.
        for step in sorted(steps, key=lambda step: step.before is not None):
            change = store.replace if step.before else store.add
            change(step.arrival.profile, step.arrival.clips)
            done.append(step)
    except BaseException as error:
        for problem in _take_back(store, reversed(done)):
            error.add_note(problem)
        raise


def _take_back(store: VoiceStore, done: Iterable[_Step]) -> list[str]:
    """What could not be taken back, in words."""
    problems = []
    for step in done:
        try:
            if step.before:
                store.replace(step.before.profile, step.before.clips)
            else:
                store.remove(step.arrival.profile.id)
        except KoeError as error:
            problems.append(f"{step.arrival.profile.id} could not be taken back: {error.message}")
    return problems
