"""Several processes change one house, and somebody looks at it all the while."""

import subprocess
import sys
from pathlib import Path

from koe.core.errors import MalformedInput
from koe.core.profile import Profile
from koe.voices.store import VoiceStore
from tests.voices.busy import VOICES
from tests.voices.samples import clip, cloned, tree

ROOT = Path(__file__).parents[2]
WAVS = [clip(1), clip(2)]


def start(house: Path, letter: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.voices.busy", str(house), letter]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def is_whole(store: VoiceStore, profile: Profile) -> bool:
    try:
        clip = store.clip(profile)
        assert clip is not None
        clip.samples()
    except MalformedInput:
        return False
    return profile == cloned(profile.id, *WAVS)


def test_two_processes_lose_nothing_and_a_reader_sees_only_whole_voices(tmp_path: Path) -> None:
    store, looks = VoiceStore(tmp_path), 0
    processes = [start(tmp_path, letter) for letter in "ab"]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()
            process.stdin.write("go\n")
            process.stdin.flush()
        while any(process.poll() is None for process in processes):
            looks += 1
            assert store.broken() == ()
            for profile in store.profiles():
                # A voice may be removed between two looks at it; then it is gone as a whole.
                assert is_whole(store, profile) or profile not in store.profiles()
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    assert looks > 5
    kept = {f"{letter}{number}" for letter in "ab" for number in range(1, VOICES, 2)}
    assert {profile.id for profile in store.profiles()} == kept
    assert all(is_whole(store, profile) for profile in store.profiles())
    assert {name.split("/")[1] for name in tree(tmp_path / "voices") if name.startswith("refs/")} == kept
    assert store.sweep() == 0
