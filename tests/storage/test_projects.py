"""A project is kept with all that is heard in it, in every version; whatever happens to runs, files and processes."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koe.audio.arrange import Misplaced, arrange
from koe.audio.sound import Samples
from koe.core.composition import Composition
from koe.core.errors import ChangedMeanwhile, KoeError, LimitExceeded, MalformedInput, UnknownProject, UnknownRun
from koe.storage import project_transfer, projects
from koe.storage.project_files import DamagedProject, Project
from koe.storage.project_transfer import export_project, import_project
from koe.storage.projects import Projects
from koe.storage.runs import Runs
from tests.storage.samples import hidden, keep

ROOT = Path(__file__).parents[2]
RATE = 24_000
MIB = 1024 * 1024

DIES = """
import os, signal, sys
from pathlib import Path
from koe.storage import projects
kept = projects.Projects(Path(sys.argv[1]))
def dies(folder, made, record):
    os.kill(os.getpid(), signal.SIGKILL)
projects._put = dies
kept.add_clip(sys.argv[2], Path(sys.argv[3]), "rain")
"""


def samples(seed: int = 0, seconds: float = 0.5) -> Samples:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32)


def wav(seed: int = 0, seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples(seed, seconds), RATE, format="WAV")
    return file.getvalue()


def composed(*clips: dict[str, Any], **more: Any) -> Composition:
    return Composition.model_validate({"tracks": [{"clips": list(clips)}], **more})


def heard(project: Project) -> Samples:
    mix = arrange(project.version.composition, project.sound_of).mix
    return np.concatenate([np.zeros(0, np.float32), *mix.pieces()])


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


@pytest.fixture
def kept(tmp_path: Path, runs: Runs) -> Iterator[Projects]:
    found = Projects(tmp_path / "projects", lambda run, name: runs.get(run).file(name))
    yield found
    found.close()
    if found.folder.exists():
        assert hidden(found.folder) == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rain.wav"
    path.write_bytes(wav(7))
    return path


def test_a_project_keeps_what_it_is_made_of(kept: Projects, runs: Runs) -> None:
    run = keep(runs, sound=wav(1))
    made = kept.create("Radio play", composed({"run": run.id, "file": "audio.wav", "trim_start": 0.1}))
    runs.remove(run.id)
    (clip,) = made.clips.values()
    assert (clip.run, clip.file, clip.name, clip.seconds) == (run.id, "audio.wav", "audio.wav", 0.5)
    assert made.version.composition.tracks[0].clips[0].clip == clip.id
    again = kept.get(made.id)
    assert again == made
    assert (again.head.name, again.numbers, again.damage) == ("Radio play", (1,), ())
    expected = soundfile.read(io.BytesIO(wav(1)), dtype="float32")[0][2400:]
    np.testing.assert_allclose(heard(again), expected, atol=1e-6)


def test_every_save_is_a_version_and_can_be_restored(kept: Projects, file: Path) -> None:
    project = kept.create("Play", Composition())
    clip = kept.add_clip(project.id, file, "rain")
    second = composed({"clip": clip.id})
    assert kept.save(project.id, composition=second).numbers == (1, 2)
    assert kept.save(project.id, composition=second).numbers == (1, 2)
    third = composed({"clip": clip.id, "offset": 2.0})
    assert kept.save(project.id, composition=third, name="Player", based_on=2).numbers == (1, 2, 3)
    with pytest.raises(ChangedMeanwhile, match="version 3 was saved meanwhile"):
        kept.save(project.id, composition=second, based_on=2)
    assert [kept.version(project.id, number).composition for number in (1, 2, 3)] == [Composition(), second, third]
    restored = kept.restore(project.id, 2)
    assert (restored.numbers, restored.version.number, restored.version.composition) == ((1, 2, 3, 4), 4, second)
    assert restored.head.name == "Player"
    for number in (0, 5):
        with pytest.raises(UnknownProject, match="it has 1 to 4"):
            kept.version(project.id, number)


def test_the_oldest_versions_go_where_there_are_too_many(kept: Projects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "MOST_VERSIONS", 3)
    project = kept.create("Play", Composition())
    for loudness in range(-30, -24):
        project = kept.save(project.id, composition=Composition(loudness=float(loudness)))
    assert project.numbers == (5, 6, 7)
    assert project.version.composition.loudness == -25


def test_the_same_sound_is_kept_once_and_removed_only_where_nothing_needs_it(kept: Projects, file: Path) -> None:
    project = kept.create("Play", Composition())
    first, second = (kept.add_clip(project.id, file, name) for name in ("rain", "drops"))
    assert first == second
    file.write_bytes(wav(8))
    other = kept.add_clip(project.id, file, "storm")
    kept.save(project.id, composition=composed({"clip": first.id}))
    kept.save(project.id, composition=composed({"clip": other.id}))
    for clip in (first, other):
        with pytest.raises(ChangedMeanwhile, match="version"):
            kept.remove_clip(project.id, clip.id)
    file.write_bytes(wav(9))
    unused = kept.add_clip(project.id, file, "wind")
    kept.remove_clip(project.id, unused.id)
    assert list(kept.get(project.id).clips) == [first.id, other.id]
    with pytest.raises(UnknownProject, match="no clip"):
        kept.remove_clip(project.id, unused.id)


@pytest.mark.parametrize(
    ("clip", "cause"),
    [
        ({"clip": "0123456789abcdef"}, UnknownProject),
        ({"clip": "../../etc/passwd"}, UnknownProject),
        ({"upload": "rain.wav"}, MalformedInput),
        ({"run": "01kgbf3k2ej5w0zq8m6h4x9c7d", "file": "audio.wav"}, UnknownRun),
        ({"run": "../..", "file": "audio.wav"}, UnknownRun),
    ],
)
def test_a_composition_of_what_is_not_there_is_refused(kept: Projects, clip: dict[str, Any], cause: type) -> None:
    project = kept.create("Play", Composition())
    with pytest.raises(Misplaced, match=r"tracks\.0\.clips\.0") as refused:
        kept.save(project.id, composition=composed(clip))
    assert isinstance(refused.value.cause, cause)
    with pytest.raises(Misplaced, match=r"tracks\.0\.clips\.0"):
        kept.create("Song", composed(clip))
    assert [each.numbers for each in kept.all() if isinstance(each, Project)] == [(1,)]


def test_a_file_that_is_no_sound_is_no_clip(kept: Projects, runs: Runs, file: Path) -> None:
    project = kept.create("Play", Composition())
    file.write_bytes(b"no sound")
    with pytest.raises(MalformedInput, match="no audio"):
        kept.add_clip(project.id, file, "rain")
    run = keep(runs, sound=wav())
    with pytest.raises(MalformedInput, match="no audio"):
        kept.copy_run(project.id, run.id, "input.json")
    with pytest.raises(UnknownRun):
        kept.copy_run(project.id, run.id, "meta.json")
    with pytest.raises(KoeError, match="nobody waits"):
        kept.copy_run(project.id, run.id, "audio.wav", stopped=lambda: True)
    assert not kept.get(project.id).clips


@pytest.mark.parametrize("project_id", ["", "..", "../../etc", "x" * 26, ".lock", "\0", "01KGBF3K2EJ5W0ZQ8M6H4X9C7D"])
def test_no_id_leads_elsewhere(kept: Projects, file: Path, project_id: str) -> None:
    kept.create("Play", Composition())
    for look in (
        kept.get,
        kept.remove,
        lambda each: kept.save(each, name="x"),
        lambda each: kept.restore(each, 1),
        lambda each: kept.add_clip(each, file, "x"),
        lambda each: kept.remove_clip(each, "x"),
    ):
        with pytest.raises(UnknownProject):
            look(project_id)


def test_a_removed_project_is_gone_at_once(kept: Projects) -> None:
    project, other = kept.create("Play", Composition()), kept.create("Song", Composition())
    kept.remove(project.id)
    with pytest.raises(UnknownProject):
        kept.remove(project.id)
    assert [each.id for each in kept.all()] == [other.id]


@pytest.mark.parametrize("damage", [b"", b"{", b"[" * 100_000, b"\xff", b'{"kind": "koe-project"}'])
def test_what_is_damaged_is_told_and_the_rest_is_there(kept: Projects, file: Path, damage: bytes) -> None:
    project = kept.create("Play", Composition())
    clip = kept.add_clip(project.id, file, "rain")
    project = kept.save(project.id, composition=composed({"clip": clip.id}))
    kept.save(project.id, composition=composed({"clip": clip.id, "offset": 1.0}))
    newest = project.folder / "versions" / "000003.json"
    newest.write_bytes(damage)
    found = kept.get(project.id)
    assert (found.version.number, found.numbers) == (2, (1, 2, 3))
    assert "version 3" in found.damage[0]
    # Saved again, it is whole.
    assert kept.restore(project.id, 2).version.number == 4
    (project.folder / "clips" / f"{clip.id}.json").write_bytes(damage)
    found = kept.get(project.id)
    assert not found.clips
    assert "clip" in found.damage[0]
    with pytest.raises(Misplaced, match="no clip"):
        heard(found)
    assert kept.add_clip(project.id, file, "rain").id == clip.id
    assert len(heard(kept.get(project.id))) == RATE // 2
    (project.folder / "project.json").write_bytes(damage)
    with pytest.raises(UnknownProject, match="can't be used"):
        kept.get(project.id)
    (listed,) = kept.all()
    assert isinstance(listed, DamagedProject)
    kept.remove(project.id)
    assert kept.all() == []


def test_links_and_pipes_are_not_followed(kept: Projects, file: Path, tmp_path: Path) -> None:
    project = kept.create("Play", Composition())
    clip = kept.add_clip(project.id, file, "rain")
    sound = project.folder / "clips" / f"{clip.id}.flac"
    sound.unlink()
    sound.symlink_to(file)
    assert "missing" in kept.get(project.id).damage[0]
    (project.folder / "project.json").unlink()
    os.mkfifo(project.folder / "project.json")
    with pytest.raises(UnknownProject, match="no file"):
        kept.get(project.id)


def test_many_hands_lose_no_version(kept: Projects, tmp_path: Path) -> None:
    project = kept.create("Play", Composition())
    others = [Projects(kept.folder) for _ in range(4)]

    def save(number: int) -> Project:
        return others[number % 4].save(project.id, composition=Composition(loudness=-40 + number / 10))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(save, range(40)))
    found = kept.get(project.id)
    assert found.numbers == tuple(range(1, 42))
    saved = {kept.version(project.id, number).composition.loudness for number in found.numbers}
    assert saved == {None, *(-40 + number / 10 for number in range(40))}
    for other in others:
        other.close()


def test_what_a_killed_process_was_writing_is_tidied_away(kept: Projects, file: Path) -> None:
    project = kept.create("Play", Composition())
    command = [sys.executable, "-c", DIES, str(kept.folder), project.id, str(file)]
    dead = subprocess.run(command, cwd=ROOT, check=False)
    assert dead.returncode == -signal.SIGKILL
    assert [name for name in hidden(kept.folder) if name.startswith(".draft")]
    assert kept.tidy() == 1
    assert kept.get(project.id) == project


def exported(project: Project) -> bytes:
    return b"".join(export_project(project))


def test_a_project_goes_from_house_to_house(kept: Projects, tmp_path: Path, file: Path) -> None:
    project = kept.create("Radio play 東京", Composition())
    clip = kept.add_clip(project.id, file, "rain")
    kept.save(project.id, composition=composed({"clip": clip.id}))
    project = kept.save(project.id, composition=composed({"clip": clip.id, "volume": -6.0}, loudness=-20.0))
    other = Projects(tmp_path / "elsewhere")
    arrived = import_project(other, io.BytesIO(exported(project)))
    assert arrived.head.name == "Radio play 東京"
    assert arrived.id != project.id
    assert arrived.numbers == (1, 2, 3)
    assert arrived.version.composition == project.version.composition
    assert [each.saved for each in map(lambda number: other.version(arrived.id, number), (1, 2, 3))] == [
        kept.version(project.id, number).saved for number in (1, 2, 3)
    ]
    assert heard(arrived).tobytes() == heard(project).tobytes()
    # What can't be read any more stays behind.
    (project.folder / "versions" / "000002.json").write_bytes(b"{")
    assert import_project(other, io.BytesIO(exported(kept.get(project.id)))).numbers == (1, 2)
    other.close()


Files = dict[str, bytes]


def unpacked(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def repacked(files: Files, folder: str = "") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(folder + name, data)
    return target.getvalue()


def without(ending: str) -> Callable[[Files, str], Files]:
    return lambda files, clip: {name: data for name, data in files.items() if not name.endswith(ending)}


def changed(**more: Any) -> Callable[[Files, str], Files]:
    def change(files: Files, clip: str) -> Files:
        version = json.loads(files["versions/000001.json"]) | more
        return files | {"versions/000001.json": json.dumps(version).encode()}

    return change


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without("project.json"), "no project of Koe's: it holds no project.json"),
        (lambda files, clip: files | {"more/project.json": b"{}"}, "it holds 2 project.json"),
        (lambda files, clip: files | {"project.json": b"{}"}, "project.json: id: Field required"),
        (lambda files, clip: files | {"project.json": b"[" * 10_000}, "project.json"),
        (
            lambda files, clip: files | {"project.json": b'{"x": "' + bytes(2 * MIB) + b'"}'},
            "packed more|larger than 1 MiB",
        ),
        (without("000001.json"), "holds 0 versions"),
        (without(".flac"), r"\.flac is missing"),
        (changed(composition={"tracks": [{"clips": [{"clip": "0" * 16}]}]}), r"tracks\.0\.clips\.0"),
        (changed(composition={"tracks": [{"clips": [{"upload": "x"}]}]}), r"tracks\.0\.clips\.0"),
        (changed(composition={"tracks": 1}), "versions/000001.json: composition.tracks"),
        (changed(saved="1970-01-01T00:00:00Z"), "versions/000001.json: saved"),
        (changed(number=0), "versions/000001.json: number"),
        (lambda files, clip: files | {"setup.exe": b"MZ"}, "'setup.exe' is no file of a project"),
        (lambda files, clip: files | {"clips/x.flac": b"fLaC"}, "'clips/x.flac' is no file of a project"),
        (lambda files, clip: files | {"../x.json": b"{}"}, "leads elsewhere"),
        (lambda files, clip: files | {"clips\\x.json": b"{}"}, "characters that no path"),
        (lambda files, clip: files | {f"clips/{clip}.flac": b"fLaC" + bytes(100)}, "damaged"),
        (lambda files, clip: files | {f"clips/{clip}.flac": b"no sound"}, "no audio"),
        (lambda files, clip: files | {f"clips/{clip}.flac": b"fLaC" + bytes(20 * MIB)}, "packed more than 200:1"),
        (lambda files, clip: {f"{n}.json": b"" for n in range(3000)}, "at most"),
    ],
)
def test_a_zip_that_is_no_project_is_refused(
    kept: Projects, tmp_path: Path, file: Path, spoil: Callable[[Files, str], Files], reason: str
) -> None:
    project = kept.create("Play", Composition())
    clip = kept.add_clip(project.id, file, "rain")
    files = spoil(unpacked(exported(kept.get(project.id))), clip.id)
    other = Projects(tmp_path / "elsewhere")
    other.folder.mkdir()
    with pytest.raises((MalformedInput, LimitExceeded, Misplaced), match=reason):
        import_project(other, io.BytesIO(repacked(files)))
    assert other.all() == []
    other.close()
    assert hidden(other.folder) == []


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\3\4" + bytes(100)])
def test_what_is_no_zip_is_refused(kept: Projects, data: bytes) -> None:
    with pytest.raises(MalformedInput, match=r"no zip|damaged"):
        import_project(kept, io.BytesIO(data))


def test_a_zip_that_somebody_packed_anew_is_taken(kept: Projects, file: Path) -> None:
    project = kept.create("Play", Composition())
    clip = kept.add_clip(project.id, file, "rain")
    project = kept.save(project.id, composition=composed({"clip": clip.id}))
    files = unpacked(exported(project)) | {"__MACOSX/._x": b"", ".DS_Store": b""}
    for folder in ("", "My play/"):
        assert heard(import_project(kept, io.BytesIO(repacked(files, folder)))).tobytes() == heard(project).tobytes()


def test_sounds_that_are_too_large_in_all_are_refused(
    kept: Projects, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = kept.create("Play", Composition())
    kept.add_clip(project.id, file, "rain")
    data = exported(kept.get(project.id))
    monkeypatch.setattr(project_transfer, "MOST_IN_ALL", 10_000)
    with pytest.raises(LimitExceeded, match="larger"):
        import_project(kept, io.BytesIO(data))


def test_what_there_is_of_projects_and_clips_is_bounded(
    kept: Projects, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects, "MOST_PROJECTS", 1)
    monkeypatch.setattr(projects, "MOST_CLIPS", 1)
    project = kept.create("Play", Composition())
    with pytest.raises(LimitExceeded, match="remove some"):
        kept.create("Song", Composition())
    kept.add_clip(project.id, file, "rain")
    file.write_bytes(wav(8))
    with pytest.raises(LimitExceeded, match="1 clips"):
        kept.add_clip(project.id, file, "storm")
