"""Voices of voicebox, and plain folders of recordings."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koe.core.errors import LimitExceeded, MalformedInput
from koe.core.voice import VoiceKind
from koe.voices.store import VoiceStore
from koe.voices.transfer import Origin, import_voices, read_import

Clips = dict[str, bytes]
Files = dict[str, bytes | str]
TEXT = "The kettle is on, and the rain has stopped at last."
GERMAN = "Der Tee ist fertig, und es regnet endlich nicht mehr."


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return target.getvalue()


def laid_out(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def voicebox(samples: dict[str, bytes], profile: Mapping[str, object] | None = None, **more: object) -> Files:
    """As voicebox's backend/services/export_import.py writes it."""
    profile = profile or {"name": "Aunt Anna", "description": "Warm.", "language": "en"}
    files: Files = {
        "manifest.json": json.dumps({"version": "1.0", "profile": profile, "has_avatar": False} | more, indent=2),
        "samples.json": json.dumps(dict.fromkeys(samples, TEXT), indent=2),
    }
    return files | {f"samples/{file}": data for file, data in samples.items()}


def seconds_of(clip: bytes, seconds: float) -> bytes:
    """The clip again and again."""
    samples, rate = soundfile.read(io.BytesIO(clip), dtype="float32")
    target = io.BytesIO()
    soundfile.write(target, np.resize(samples, int(seconds * rate)), rate, format="WAV", subtype="PCM_16")
    return target.getvalue()


def as_flac(clip: bytes) -> bytes:
    samples, rate = soundfile.read(io.BytesIO(clip), dtype="int16")
    target = io.BytesIO()
    soundfile.write(target, samples, rate, format="FLAC")
    return target.getvalue()


def test_a_voice_of_voicebox_becomes_a_cloned_voice(empty: VoiceStore, clips: Clips) -> None:
    archive = voicebox({"1b9d6bcd.wav": clips["anna"], "6ec0bd7f.wav": clips["bert"]})
    report = import_voices(empty, zipped(archive))
    assert report.imported == (("aunt-anna", "aunt-anna"),)
    voice = empty.get("aunt-anna")
    assert (voice.name, voice.description, voice.kind) == ("Aunt Anna", "Warm.", VoiceKind.CLONED)
    assert voice.languages[0] == "en-US"
    assert [each.transcript for each in voice.references] == [TEXT, TEXT]
    clip = empty.clip(voice)
    assert clip is not None
    assert len(clip.samples()) / 24_000 == pytest.approx(
        sum(each.duration for each in voice.references) + 0.5, abs=0.01
    )


def test_what_later_versions_of_voicebox_add_is_passed_over(empty: VoiceStore, clips: Clips) -> None:
    profile = {"name": "Anna", "description": None, "language": "de", "effects": {"reverb": 1}}
    archive = voicebox({"a.wav": clips["anna"]}, profile, version="1.3", engine="new", has_avatar=True)
    report = import_voices(empty, zipped(archive | {"avatar.png": b"\x89PNG", "extra.json": "{}"}))
    assert report.warnings[-2:] == ("'extra.json': left out", "'avatar.png': left out")
    assert empty.get("anna").languages[0] == "de-DE"


def test_samples_beyond_thirty_seconds_are_dropped_by_name(clips: Clips) -> None:
    long = {f"{number}.wav": seconds_of(clips["anna"], 9.0) for number in range(5)}
    parcel = read_import(zipped(voicebox(long)))
    assert len(parcel.voices[0].clips) == 3
    dropped = next(warning for warning in parcel.warnings if "samples/3.wav" in warning)
    assert dropped.startswith("'samples/3.wav', 'samples/4.wav': left out, because the references have")


def test_samples_beyond_the_tenth_are_dropped_by_name(clips: Clips) -> None:
    short = {f"{number:02}.wav": seconds_of(clips["anna"], 2.3) for number in range(12)}
    parcel = read_import(zipped(voicebox(short)))
    assert len(parcel.voices[0].clips) == 10
    assert any("'samples/10.wav', 'samples/11.wav': left out" in warning for warning in parcel.warnings)


def test_archives_of_voicebox_that_are_wrong_are_refused(clips: Clips) -> None:
    good = voicebox({"a.wav": clips["anna"]})
    manifest = json.loads(good["manifest.json"])
    for files, reason in (
        (voicebox({"a.wav": clips["anna"]}, version="2.0"), "voicebox's version '2.0'"),
        (voicebox({}), "names no sample"),
        (good | {"samples.json": "[]"}, "not built as voicebox"),
        (good | {"samples.json": '{"b.wav": ""}'}, "no 'samples/b.wav'"),
        (good | {"samples.json": '{"../manifest.json": ""}'}, r"no 'samples/\.\./manifest.json'"),
        (good | {"samples.json": '{"a.wav": 7}'}, "is no text"),
        (good | {"samples/a.wav": b"RIFF"}, "'samples/a.wav': "),
        ({path: data for path, data in good.items() if path != "samples.json"}, "no 'samples.json'"),
        (voicebox({"a.wav": clips["anna"]}, {"name": "A", "language": "no tag!"}), "no language tag"),
        (voicebox({"a.wav": clips["anna"]}, {"name": ["A"]}), "'name' is no text"),
        (voicebox({"a.wav": clips["anna"]}, {"name": "A" * 1000}), "name"),
        (good | {"samples.json": r'{"a.wav": "\ud800"}'}, "transcript"),
        ({"manifest.json": json.dumps(manifest | {"generation": {}})}, "holds a generation"),
    ):
        with pytest.raises(MalformedInput, match=reason):
            read_import(zipped(files))


def test_pairs_in_a_folder_become_voices_named_like_them(empty: VoiceStore, clips: Clips, tmp_path: Path) -> None:
    folder = laid_out(
        tmp_path / "clips",
        {
            "Tante Änne.wav": clips["anna"],
            "Tante Änne.txt": TEXT + "\n",
            "carla.flac": as_flac(clips["carla"]),
            "carla.txt": "\ufeff" + GERMAN,
            "lonely.wav": clips["bert"],
            "notes.md": "# not read",
            ".DS_Store": b"",
        },
    )
    report = import_voices(empty, folder)
    assert report.imported == (("tante-anne", "tante-anne"), ("carla", "carla"))
    assert empty.get("tante-anne").name == "Tante Änne"
    assert empty.get("tante-anne").transcript == TEXT
    assert empty.get("tante-anne").languages[0] == "en-US"
    assert empty.get("carla").languages[0] == "de-DE"
    assert empty.get("carla").transcript == GERMAN
    assert [each for each in report.warnings if "left out" in each] == [
        "'lonely.wav': left out, it is no recording with its transcript",
        "'notes.md': left out, it is no recording with its transcript",
    ]


def test_a_folder_with_audio_and_reference_is_a_voice_named_like_it(clips: Clips, tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "Bert", {"audio.wav": clips["bert"], "reference.txt": TEXT})
    parcel = read_import(folder)
    assert parcel.origin is Origin.FOLDER
    assert [each.profile.name for each in parcel.voices] == ["Bert"]


def test_folders_may_be_zipped_nested_and_mixed(clips: Clips) -> None:
    archive = zipped(
        {
            "all/anna/audio.wav": clips["anna"],
            "all/anna/reference.txt": TEXT,
            "all/bert.wav": clips["bert"],
            "all/bert.txt": TEXT.encode("utf-16"),
            "__MACOSX/all/._bert.wav": b"",
        }
    )
    parcel = read_import(archive)
    assert [each.profile.id for each in parcel.voices] == ["anna", "bert"]
    assert {each.profile.transcript for each in parcel.voices} == {TEXT}


def test_a_zip_of_one_voice_is_named_like_the_zip(clips: Clips, tmp_path: Path) -> None:
    archive = zipped({"audio.wav": clips["anna"], "reference.txt": TEXT})
    (tmp_path / "Anna Lund.zip").write_bytes(archive)
    names = [
        read_import(source, name=name).voices[0].profile.name
        for source, name in ((tmp_path / "Anna Lund.zip", ""), (archive, "Uploaded"), (archive, ""))
    ]
    assert names == ["Anna Lund", "Uploaded", "voice"]


def test_a_given_language_is_taken_for_all(clips: Clips, tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "clips", {"a.wav": clips["anna"], "a.txt": TEXT})
    assert read_import(folder, language="pt_PT").voices[0].profile.languages[0] == "pt-PT"
    with pytest.raises(MalformedInput, match="no language tag"):
        read_import(folder, language="Portuguese!")


def test_an_empty_transcript_is_a_voice_with_a_warning(clips: Clips, tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "clips", {"a.wav": clips["anna"], "a.txt": "  \n"})
    parcel = read_import(folder)
    assert parcel.voices[0].profile.languages[0] == "en-US"
    assert any("without a transcript" in warning for warning in parcel.warnings)


def test_names_that_give_the_same_id_are_two_voices(clips: Clips, tmp_path: Path) -> None:
    pairs: Files = {"a/Eva.wav": clips["anna"], "a/Eva.txt": TEXT, "b/eva.wav": clips["bert"], "b/eva.txt": TEXT}
    parcel = read_import(laid_out(tmp_path / "clips", pairs))
    assert [each.profile.id for each in parcel.voices] == ["eva", "eva-2"]


def test_folders_that_hold_no_voice_say_what_would(clips: Clips, tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "clips", {"a.wav": clips["anna"], "b.txt": TEXT})
    with pytest.raises(MalformedInput, match=r"no voice in it. Koe imports .*anna\.wav and anna\.txt"):
        read_import(folder)


def test_folders_that_are_wrong_are_refused(clips: Clips, tmp_path: Path) -> None:
    twice: Files = {"a.wav": clips["anna"], "a.flac": as_flac(clips["anna"]), "a.txt": TEXT}
    with pytest.raises(MalformedInput, match=r"'a\.flac' and 'a\.wav' would be one voice"):
        read_import(laid_out(tmp_path / "twice", twice))
    with pytest.raises(MalformedInput, match=r"'a\.wav': "):
        read_import(laid_out(tmp_path / "noise", {"a.wav": b"RIFF", "a.txt": TEXT}))
    with pytest.raises(MalformedInput, match=r"'a\.txt' is no text"):
        read_import(laid_out(tmp_path / "latin", {"a.wav": clips["anna"], "a.txt": "für".encode("latin-1")}))
    with pytest.raises(LimitExceeded, match="at most 1000"):
        read_import(laid_out(tmp_path / "many", {f"{number}.md": b"" for number in range(1001)}))


def test_links_in_a_folder_are_not_followed(clips: Clips, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    folder = laid_out(tmp_path / "clips", {"a.wav": clips["anna"]})
    (folder / "a.txt").symlink_to(secret)
    with pytest.raises(MalformedInput, match=r"'a\.txt' is a link"):
        read_import(folder)
    (folder / "a.txt").unlink()
    os.mkfifo(folder / "a.txt")
    with pytest.raises(MalformedInput, match="no ordinary file"):
        read_import(folder)


def test_a_failure_in_one_voice_imports_none(empty: VoiceStore, clips: Clips, tmp_path: Path) -> None:
    files: Files = {"a.wav": clips["anna"], "a.txt": TEXT, "b.wav": bytes(2000), "b.txt": TEXT}
    with pytest.raises(MalformedInput, match=r"'b\.wav'"):
        import_voices(empty, laid_out(tmp_path / "clips", files))
    assert not (tmp_path / "empty").exists()
