"""The store shows what is on disk now, keeps what it is given, and touches nothing else."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from koe.audio.reference import from_wav, joined
from koe.core.errors import Busy, KoeError, MalformedInput, RequestError, UnknownVoice
from koe.core.profile import Profile
from koe.core.voice import VoiceKind
from koe.voices import files
from koe.voices.store import VoiceStore
from tests.voices.samples import clip, cloned, named, reference, tree, with_everything

ONE, TWO, THREE = clip(1), clip(2), clip(3)


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path / "house")


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    return tmp_path / "house" / "voices"


def file_of(voices: Path, voice_id: str) -> Path:
    return voices / "profiles" / f"{voice_id}.json"


def drop(voices: Path, voice_id: str, content: bytes) -> Path:
    """A file as somebody else puts it there."""
    path = file_of(voices, voice_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def ids(store: VoiceStore) -> list[str]:
    return [profile.id for profile in store.profiles()]


def reasons(store: VoiceStore) -> dict[str, str]:
    return {broken.id: broken.reason for broken in store.broken()}


def settle(path: Path) -> None:
    """As if it had been written long ago."""
    os.utime(path, (1_000_000_000, 1_000_000_000))


# --- keeping


def test_nothing_is_created_by_looking(store: VoiceStore, voices: Path) -> None:
    assert (store.profiles(), store.broken(), store.sweep()) == ((), (), 0)
    for look in (store.get, store.remove):
        with pytest.raises(UnknownVoice):
            look("anna")
    with pytest.raises(UnknownVoice):
        store.replace(named("anna"))
    with pytest.raises(MalformedInput):
        store.add(cloned("anna", ONE))
    assert not voices.parent.exists()


def test_a_voice_comes_back_whole_also_after_a_restart(store: VoiceStore, voices: Path) -> None:
    profile = with_everything("alva", ONE, TWO)
    assert store.add(profile, [TWO, ONE]) == profile
    assert store.profiles() == VoiceStore(voices.parent).profiles() == (profile,)
    assert store.get("alva") == profile
    assert [store.reference_path("alva", each).read_bytes() for each in profile.references] == [ONE, TWO]


def test_voices_are_listed_by_name(store: VoiceStore) -> None:
    for profile in [named("a", name="zoe"), named("b", name="Anna"), named("c", name="berta")]:
        store.add(profile)
    assert ids(store) == ["b", "c", "a"]


def test_an_edit_keeps_when_it_was_made_and_says_when_it_was_changed(store: VoiceStore) -> None:
    made = store.add(cloned("anna", ONE), [ONE])
    changed = store.replace(replace(made, name="Anne", created=made.created.replace(year=1999)))
    assert changed == store.get("anna") == replace(made, name="Anne", changed=changed.changed)
    assert changed.changed > made.changed


def test_an_edit_brings_new_clips_and_drops_those_no_longer_used(store: VoiceStore, voices: Path) -> None:
    profile = store.add(cloned("anna", ONE, TWO), [ONE, TWO])
    edited = replace(profile, references=(reference(THREE), profile.references[1]))
    store.replace(edited, [THREE])
    assert {path.read_bytes() for path in (voices / "refs" / "anna").iterdir()} == {TWO, THREE}
    store.replace(replace(edited, kind=VoiceKind.NAMED, base="qwen-ryan", references=()))
    assert tree(voices / "refs") == set()


def test_clips_are_called_by_their_content_whatever_the_caller_says(store: VoiceStore) -> None:
    first, second = reference(ONE), reference(ONE)
    profile = cloned("anna", references=(replace(first, file=""), replace(second, file="../../x.wav")))
    assert store.add(profile, [ONE]).references == (first, second)


def test_a_reference_that_was_named_by_hand_keeps_its_name_in_an_edit(store: VoiceStore, voices: Path) -> None:
    refs = voices / "refs" / "anna"
    refs.mkdir(parents=True)
    (refs / "mine.wav").write_bytes(ONE)
    drop(voices, "anna", files.to_json(cloned("anna", references=(replace(reference(ONE), file="mine.wav"),))))
    assert store.replace(cloned("anna", ONE, name="Anne")).references[0].file == "mine.wav"
    assert tree(refs) == {"mine.wav"}


def test_clips_and_references_must_belong_together(store: VoiceStore, voices: Path) -> None:
    with pytest.raises(MalformedInput, match=r"references\[1\] has no clip"):
        store.add(cloned("anna", ONE, TWO), [ONE, THREE])
    with pytest.raises(MalformedInput, match="no reference"):
        store.add(cloned("anna", ONE), [ONE, TWO])
    store.add(cloned("anna", ONE), [ONE])
    before = tree(voices)
    with pytest.raises(MalformedInput, match=r"references\[0\] has no clip"):
        store.replace(cloned("anna", TWO))
    assert tree(voices) == before


def test_an_id_is_taken_once_also_by_a_broken_file(store: VoiceStore, voices: Path) -> None:
    store.add(named("anna"))
    drop(voices, "berta", b"{")
    for taken in ("anna", "berta"):
        with pytest.raises(RequestError, match=f"there is a voice {taken} already"):
            store.add(named(taken))
    assert file_of(voices, "berta").read_bytes() == b"{"


def test_what_was_removed_leaves_nothing(store: VoiceStore, voices: Path) -> None:
    store.add(cloned("anna", ONE), [ONE])
    (voices / "refs" / "anna" / "notes.txt").write_text("by hand")
    drop(voices, "Böse Datei", b"{")
    store.remove("anna")
    store.remove("Böse Datei")
    assert tree(voices) == {"profiles", "refs"}
    assert store.profiles() + store.broken() == ()


def test_an_unknown_voice_is_answered_with_the_nearest(store: VoiceStore) -> None:
    for id in ("anna", "hanna", "zacharias"):
        store.add(named(id))
    with pytest.raises(UnknownVoice, match=r"no voice 'annna' .*; the nearest are anna, hanna$"):
        store.get("annna")
    with pytest.raises(UnknownVoice) as caught:
        store.remove("x" * 100_000)
    assert len(caught.value.message) < 200


# --- nothing outside

BAD_IDS = ["../x", "..", ".", "", "CON", "con", "a/b", "/x", "x" * 300, "🙂", "a\0b", "qwen-x", "design", "x\n"]


@pytest.mark.parametrize("id", BAD_IDS)
def test_ids_that_lead_elsewhere_are_refused_and_nothing_is_written(store: VoiceStore, tmp_path: Path, id: str) -> None:
    with pytest.raises(MalformedInput):
        store.add(cloned(id, ONE), [ONE])
    for change in (store.get, store.remove):
        with pytest.raises(UnknownVoice):
            change(id)
    with pytest.raises(UnknownVoice):
        store.replace(named(id))
    with pytest.raises(MalformedInput):
        store.reference_path(id, reference(ONE))
    assert tree(tmp_path) == set()


@given(st.text(max_size=40) | st.text("./\\:a", max_size=8))
def test_no_text_for_an_id_finds_or_removes_a_file(tmp_path_factory: pytest.TempPathFactory, id: str) -> None:
    house = tmp_path_factory.getbasetemp() / "ids"
    store = VoiceStore(house)
    drop(house / "voices", "anna", files.to_json(named("anna")))
    (house / "voices" / "outside.json").write_bytes(b"{}")
    if id == "anna":
        return
    with pytest.raises(UnknownVoice):
        store.get(id)
    with pytest.raises(UnknownVoice):
        store.remove(id)
    assert {"voices/outside.json", "voices/profiles/anna.json"} <= tree(house)


@pytest.mark.parametrize(
    "file", ["../x.wav", "/x.wav", "x.txt", "", "a\\b.wav", ".x.wav", "x" * 100 + ".wav", "x.wav\n"]
)
def test_references_stay_in_the_folder_of_their_voice(store: VoiceStore, file: str) -> None:
    with pytest.raises(MalformedInput, match="is no name of a reference"):
        store.reference_path("anna", replace(reference(ONE), file=file))


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_out_of_the_folder_are_not_written_through(store: VoiceStore, voices: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.wav").write_bytes(b"kept")
    (outside / "anna.json").write_bytes(files.to_json(named("anna")))
    (voices / "refs").mkdir(parents=True)
    (voices / "profiles").mkdir()
    (voices / "refs" / "berta").symlink_to(outside)
    file_of(voices, "anna").symlink_to(outside / "anna.json")
    with pytest.raises(RequestError, match="is a link"):
        store.add(cloned("berta", ONE), [ONE])
    assert (voices / "refs" / "berta").is_symlink()
    assert store.replace(replace(store.get("anna"), name="Anne")).name == "Anne"
    assert not file_of(voices, "anna").is_symlink()
    store.sweep()
    assert not (voices / "refs" / "berta").is_symlink()
    assert tree(outside) == {"kept.wav", "anna.json"}
    assert files.from_json((outside / "anna.json").read_bytes()).name == "Anna"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_folders_that_are_links_are_not_written_into(store: VoiceStore, voices: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "anna").mkdir(parents=True)
    voices.mkdir(parents=True)
    for name in ("refs", "profiles"):
        (voices / name).symlink_to(outside)
    with pytest.raises(RequestError, match="is a link"):
        store.add(named("anna"))
    assert store.sweep() == 0
    assert tree(outside) == {"anna"}


# --- what others do to the files


def test_an_edit_by_hand_is_noticed(store: VoiceStore, voices: Path) -> None:
    store.add(named("anna"))
    assert store.get("anna").name == "Anna"
    file = file_of(voices, "anna")
    file.write_text(file.read_text().replace('"Anna"', '"Annabell"'))
    assert store.get("anna").name == "Annabell"
    file.unlink()
    assert ids(store) == []
    drop(voices, "anna", files.to_json(named("anna", name="Back")))
    assert store.get("anna").name == "Back"


def test_an_edit_that_hides_behind_size_and_time_is_noticed(store: VoiceStore, voices: Path) -> None:
    file = drop(voices, "anna", files.to_json(named("anna", name="One")))
    settle(file)
    for name in ("Two", "Six", "Ten"):
        assert store.get("anna").name != name
        file.write_bytes(files.to_json(named("anna", name=name)))
        settle(file)
        assert store.get("anna").name == name


def test_edits_faster_than_the_clock_of_the_disk_are_noticed(store: VoiceStore, voices: Path) -> None:
    for number in range(100, 300):
        drop(voices, "anna", files.to_json(named("anna", name=str(number))))
        assert store.get("anna").name == str(number)


def test_what_another_store_does_is_seen(store: VoiceStore, voices: Path) -> None:
    other = VoiceStore(voices.parent)
    assert ids(store) == []
    other.add(named("anna"))
    assert ids(store) == ["anna"]
    other.remove("anna")
    assert ids(store) == []


def spoilt(profile: Profile, **changes: object) -> bytes:
    return json.dumps(json.loads(files.to_json(profile)) | changes).encode()


def test_broken_files_are_told_and_the_others_work(store: VoiceStore, voices: Path) -> None:
    store.add(named("whole"))
    whole = files.to_json(named("truncated"))
    drop(voices, "truncated", whole[: len(whole) // 2])
    drop(voices, "empty", b"")
    drop(voices, "newer", spoilt(named("newer"), version=99))
    drop(voices, "typo", spoilt(named("typo"), seeed=1))
    drop(voices, "renamed", files.to_json(named("anna")))
    drop(voices, "large", b" " * (256 * 1024 + 1))
    (voices / "profiles" / "folder.json").mkdir()
    for ignored in (".hidden.json", "README.md", "anna.json~", ".anna.json.12345678.tmp"):
        (voices / "profiles" / ignored).write_bytes(b"{")
    assert ids(store) == ["whole"]
    told = reasons(store)
    assert told == {
        "truncated": told["truncated"],
        "empty": "it is no valid JSON (line 1, column 1): Expecting value",
        "newer": "it was written by a newer Koe (version 99; this one knows 1): update Koe",
        "typo": "seeed is nothing that a voice has; did you mean seed?",
        "renamed": "the file is called renamed.json, but its id is anna: make them the same",
        "large": "it is larger than 256 KiB: that is no voice",
        "folder": "it is no file",
    }
    with pytest.raises(MalformedInput, match=r"typo can't be used: seeed .*typo\.json"):
        store.get("typo")
    with pytest.raises(MalformedInput, match="typo can't be edited: seeed"):
        store.replace(named("typo"))
    drop(voices, "typo", files.to_json(named("typo")))
    assert ids(store) == ["typo", "whole"]


@pytest.mark.skipif(os.name == "nt", reason="pipes and links are another thing on Windows")
def test_pipes_and_links_to_nothing_are_broken_and_nobody_waits_for_them(store: VoiceStore, voices: Path) -> None:
    (voices / "profiles").mkdir(parents=True)
    os.mkfifo(file_of(voices, "pipe"))
    file_of(voices, "link").symlink_to("nowhere")
    assert reasons(store) == {"link": "it is a link to nothing", "pipe": "it is no file"}
    store.remove("link")
    store.remove("pipe")
    assert store.broken() == ()


def test_a_file_in_place_of_the_folder_is_told(store: VoiceStore, voices: Path) -> None:
    voices.mkdir(parents=True)
    (voices / "profiles").write_text("")
    assert list(reasons(store)) == [""]
    with pytest.raises(KoeError, match="can't be changed"):
        store.add(named("anna"))


# --- clips


def test_a_clip_is_all_references_in_their_order(store: VoiceStore) -> None:
    profile = store.add(cloned("anna", ONE, TWO), [ONE, TWO])
    found = store.clip(profile)
    assert found is not None
    assert found.transcript == "Clip 0. Clip 1."
    np.testing.assert_array_equal(found.samples(), joined([from_wav(ONE), from_wav(TWO)]))


def test_a_named_voice_has_no_clip(store: VoiceStore) -> None:
    assert store.clip(store.add(named("anna"))) is None


def digest(store: VoiceStore, profile: Profile) -> str:
    found = store.clip(profile)
    assert found is not None
    return found.digest


def test_the_digest_tells_sounds_transcripts_and_their_order_apart(store: VoiceStore) -> None:
    first = store.add(cloned("anna", ONE, TWO), [ONE, TWO])
    one, two = first.references
    others = [
        cloned("b", references=(two, one)),
        cloned("c", references=(one, replace(two, transcript="Else."))),
        cloned("d", references=(one, replace(two, transcript=""))),
        cloned("e", references=(one,)),
        cloned("f", references=(replace(one, transcript=two.transcript), replace(two, transcript=one.transcript))),
    ]
    same = store.add(replace(first, id="same", name="Other", speed=1.5), [ONE, TWO])
    digests = [digest(store, store.add(each, [ONE, TWO][: len(each.references)])) for each in others]
    assert digest(store, same) == digest(store, first)
    assert len({digest(store, first), *digests}) == 6


def test_a_clip_that_was_replaced_by_hand_counts(store: VoiceStore) -> None:
    profile = store.add(cloned("anna", ONE), [ONE])
    path = store.reference_path("anna", profile.references[0])
    before = store.clip(profile)
    assert before is not None
    path.write_bytes(TWO)
    after = store.clip(profile)
    assert after is not None
    assert after.digest != before.digest
    np.testing.assert_array_equal(after.samples(), joined([from_wav(TWO)]))
    with pytest.raises(MalformedInput, match="just replaced"):
        before.samples()
    path.write_bytes(ONE)
    assert digest(store, profile) == before.digest
    assert before.samples().size


def test_a_missing_clip_is_named_when_it_is_asked_for(store: VoiceStore) -> None:
    profile = store.add(cloned("anna", ONE), [ONE])
    clip_before = store.clip(profile)
    path = store.reference_path("anna", profile.references[0])
    path.unlink()
    assert ids(store) == ["anna"]
    with pytest.raises(MalformedInput, match=path.name):
        store.clip(profile)
    assert clip_before is not None
    with pytest.raises(MalformedInput, match=path.name):
        clip_before.samples()
    assert store.replace(replace(profile, name="Anne")).name == "Anne"
    store.replace(profile, [ONE])
    assert digest(store, profile) == clip_before.digest


# --- orphans


def test_a_sweep_takes_orphans_and_nothing_else(store: VoiceStore, voices: Path) -> None:
    store.add(cloned("anna", ONE), [ONE])
    drop(voices, "broken", b"{")
    before = tree(voices) | {"refs/anna/notes.txt", "refs/.gitkeep", "refs/Not an id", "refs/Not an id/x.wav"}
    before |= {"refs/broken", "refs/broken/x.wav", "profiles/.new.tmp"}
    for kept in ["anna/notes.txt", ".gitkeep", "Not an id/x.wav", "broken/x.wav", "../profiles/.new.tmp"]:
        (voices / "refs" / kept).parent.mkdir(exist_ok=True)
        (voices / "refs" / kept).write_bytes(b"")
    for orphan in ["gone/x.wav", "anna/x.wav", "anna/.old.tmp", "../profiles/.old.json.tmp", "../.old.tmp"]:
        (voices / "refs" / orphan).parent.mkdir(exist_ok=True)
        (voices / "refs" / orphan).write_bytes(b"")
        settle(voices / "refs" / orphan)
    assert store.sweep() == 5
    assert tree(voices) == before
    assert store.sweep() == 0


def test_a_change_that_fails_leaves_the_voice_as_it_was(store: VoiceStore, voices: Path) -> None:
    store.add(cloned("anna", ONE), [ONE])
    (voices / "refs" / "anna" / reference(TWO).file).mkdir()
    before, profile = tree(voices), store.get("anna")
    with pytest.raises(KoeError, match="can't be changed"):
        store.replace(cloned("anna", THREE, TWO), [THREE, TWO])
    assert tree(voices) == before
    assert store.profiles() == (profile,)


# --- presets


@contextmanager
def house_with(tmp_path: Path, text: str) -> Iterator[tuple[VoiceStore, Path]]:
    file = tmp_path / "voices.yaml"
    file.write_text(text)
    yield VoiceStore(tmp_path, file), file


def test_presets_are_listed_behind_the_others_and_read_again(tmp_path: Path) -> None:
    with house_with(tmp_path, "voices:\n- {name: Zoe, base: b}\n- {name: Berta, base: b}\n") as (store, file):
        store.add(named("xaver"))
        assert ids(store) == ["xaver", "zoe", "berta"]
        assert store.get("zoe").base == "b"
        assert store.clip(store.get("zoe")) is None
        file.write_text("voices:\n- {name: Anna, base: b}\n")
        assert ids(store) == ["xaver", "anna"]
        file.unlink()
        assert ids(store) == ["xaver"]


def test_a_bad_file_of_presets_is_broken_as_a_whole_and_the_others_work(tmp_path: Path) -> None:
    with house_with(tmp_path, "voices:\n- {name: Zoe, base: b}\n- {name: Berta}\n") as (store, file):
        store.add(named("anna"))
        assert ids(store) == ["anna"]
        (broken,) = store.broken()
        assert (broken.id, broken.path, broken.reason) == ("", file, f"base is missing ({file} line 3)")
        with pytest.raises(UnknownVoice):
            store.get("")


def test_presets_are_changed_in_their_file_alone(tmp_path: Path) -> None:
    with house_with(tmp_path, "voices:\n- {name: Zoe, base: b}\n") as (store, file):
        for change in (store.replace, store.add):
            with pytest.raises(RequestError, match=r"voices\.yaml"):
                change(named("zoe"))
        with pytest.raises(RequestError, match=r"voices\.yaml"):
            store.remove("zoe")
        assert ids(store) == ["zoe"]
        assert file.is_file()


def test_of_two_with_one_id_the_preset_is_broken(tmp_path: Path) -> None:
    with house_with(tmp_path, "voices:\n- {name: Zoe, base: b}\n") as (store, file):
        path = drop(tmp_path / "voices", "zoe", files.to_json(named("zoe", name="Mine")))
        assert store.get("zoe").name == "Mine"
        (broken,) = store.broken()
        assert (broken.id, broken.path) == ("zoe", file)
        assert str(path) in broken.reason
        path.write_text("{")
        assert [each.path for each in store.broken()] == [path, file]
        store.remove("zoe")
        assert store.get("zoe").name == "Zoe"


# --- at the same time


def test_a_change_waits_for_others_and_gives_up_in_words(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path, patience=0.05)
    store.add(named("anna"))
    with FileLock(tmp_path / "voices" / ".lock"):
        assert ids(store) == ["anna"]
        with pytest.raises(Busy, match="try again"):
            store.add(named("berta"))
    store.add(named("berta"))


def test_threads_change_and_look_at_one_store(store: VoiceStore) -> None:
    done = threading.Event()
    seen: list[str] = []

    def look() -> None:
        while not done.is_set():
            seen.extend(profile.id for profile in store.profiles())
            seen.extend(f"broken: {each.reason}" for each in store.broken())

    def change(letter: str) -> None:
        for number in range(5):
            store.add(cloned(f"{letter}{number}", ONE), [ONE])
        store.remove(f"{letter}0")

    reader = threading.Thread(target=look)
    writers = [threading.Thread(target=change, args=[letter]) for letter in "ab"]
    for thread in [reader, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    kept = {f"{letter}{number}" for letter in "ab" for number in range(1, 5)}
    assert set(ids(store)) == kept
    assert set(seen) <= kept | {"a0", "b0"}
    assert all(digest(store, each) for each in store.profiles())


COME_AND_GO = """
import sys
from pathlib import Path
path = Path(sys.argv[1])
content, beside = path.read_bytes(), path.with_name("beside")
for _ in range(3000):
    beside.write_bytes(content)
    beside.replace(path)
    path.unlink()
"""


def test_a_voice_that_comes_and_goes_is_never_a_broken_one(store: VoiceStore, voices: Path) -> None:
    path = drop(voices, "anna", files.to_json(named("anna")))
    with subprocess.Popen([sys.executable, "-c", COME_AND_GO, path]) as process:
        while process.poll() is None:
            assert store.broken() == ()


def test_the_same_bytes_give_the_name_that_the_layout_promises(store: VoiceStore, voices: Path) -> None:
    store.add(cloned("anna", ONE), [ONE])
    name = hashlib.sha256(ONE).hexdigest()[:16]
    assert tree(voices) == {"profiles", "profiles/anna.json", "refs", "refs/anna", f"refs/anna/{name}.wav"}
