"""Whoever dies in the middle of a change leaves the old voice or the new one."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from koe.core.profile import Profile
from koe.voices.store import VoiceStore
from tests.voices.crash import CHANGES
from tests.voices.samples import THEN, tree

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the children that die are forked")


def voices(house: Path) -> list[tuple[Profile, int]]:
    """What is there, but for when it was changed, with the length of its sound."""
    store = VoiceStore(house)
    assert store.broken() == ()
    clips = [(profile, store.clip(profile)) for profile in store.profiles()]
    return [(replace(profile, changed=THEN), clip.samples().size) for profile, clip in clips if clip is not None]


def age_temporary_files(house: Path) -> None:
    for path in house.rglob(".*.tmp"):
        os.utime(path, (0, 0))


@pytest.mark.parametrize("change", CHANGES)
def test_a_crash_at_any_step_leaves_the_old_voice_or_the_new_one(tmp_path: Path, change: str) -> None:
    before, crashed = tmp_path / "before", tmp_path / "crashed"
    before.mkdir()
    if change != "add":
        CHANGES["add"](VoiceStore(before))
    subprocess.run([sys.executable, "-m", "tests.voices.crash", change, before, crashed], check=True, cwd=ROOT)
    steps = sorted(crashed.iterdir(), key=lambda path: int(path.name))
    after = steps.pop()
    old, new = voices(before), voices(after)
    assert len(steps) > 6
    assert old != new
    outcomes = [voices(house) for house in steps]
    assert [outcome for outcome in outcomes if outcome not in (old, new)] == []
    # Once it is new, it stays new: there is one moment of truth.
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome == new)
    assert outcomes[0] == old
    for house, outcome in zip(steps, outcomes, strict=True):
        age_temporary_files(house)
        VoiceStore(house).sweep()
        assert voices(house) == outcome
        names = [reference.file for profile, _ in outcome for reference in profile.references]
        assert {path.name for path in house.rglob("*.*") if path.suffix != ""} - {".lock"} == {
            *names,
            *(f"{profile.id}.json" for profile, _ in outcome),
        }
        if outcome == old:
            CHANGES[change](VoiceStore(house))
            assert voices(house) == new
            assert tree(house) == tree(after)
