"""From house to house and back."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from koe.core.errors import KoeError, LimitExceeded, MalformedInput, RequestError, UnknownVoice
from koe.core.profile import Profile
from koe.voices.store import VoiceStore
from koe.voices.transfer import export_voices, import_voices

Tree = Callable[[str], dict[str, bytes]]
ALL = ["anna", "bert", "quick"]


@pytest.fixture
def parcel(full: VoiceStore) -> bytes:
    return exported(full, ALL)


def exported(store: VoiceStore, ids: list[str], **options: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    export_voices(store, ids, target, **options)
    return target.getvalue()


class FailingStore(VoiceStore):
    """A disk that is full when the third voice comes."""

    changes = 0

    def add(self, profile: Profile, clips: object = ()) -> Profile:
        self._count()
        return super().add(profile, clips)  # type: ignore[arg-type]

    def _count(self) -> None:
        self.changes += 1
        if self.changes == 3:
            raise KoeError("the voices can't be changed: no space left on device")


def test_exported_wiped_and_imported_every_file_is_the_same(
    full: VoiceStore, parcel: bytes, tree: Tree, tmp_path: Path
) -> None:
    before = tree("full")
    for voice_id in ALL:
        full.remove(voice_id)
    assert tree("full") == {}
    report = import_voices(full, parcel)
    assert tree("full") == before
    assert report.imported == tuple((each, each) for each in ALL)
    assert report.skipped == report.replaced == report.warnings == ()


def test_the_archive_holds_what_it_says_and_nothing_else(full: VoiceStore, parcel: bytes, tree: Tree) -> None:
    with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        files = {f"voices/{name}": archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    assert manifest["format"] == "koe-voices"
    assert manifest["version"] == 1
    assert manifest["voices"] == ALL
    assert files == tree("full")


def test_the_same_voices_give_the_same_bytes(full: VoiceStore, parcel: bytes) -> None:
    assert exported(full, ["quick", "bert", "anna", "bert"]) == parcel


def test_an_export_to_a_path_leaves_nothing_beside_it(full: VoiceStore, parcel: bytes, tmp_path: Path) -> None:
    target = tmp_path / "out" / "voices.zip"
    target.parent.mkdir()
    export_voices(full, ALL, target)
    assert target.read_bytes() == parcel
    assert list(target.parent.iterdir()) == [target]


def test_an_export_that_fails_leaves_the_file_that_was_there(full: VoiceStore, tmp_path: Path) -> None:
    target = tmp_path / "out" / "voices.zip"
    target.parent.mkdir()
    target.write_bytes(b"precious")
    full.reference_path("anna", full.get("anna").references[1]).unlink()
    with pytest.raises(MalformedInput, match="anna can't be exported"):
        export_voices(full, ALL, target)
    assert target.read_bytes() == b"precious"
    assert list(target.parent.iterdir()) == [target]


def test_an_export_of_a_reference_that_was_replaced_by_hand_can_be_imported(
    full: VoiceStore, empty: VoiceStore
) -> None:
    anna, bert = full.get("anna"), full.get("bert")
    other = full.reference_path("bert", bert.references[0]).read_bytes()
    full.reference_path("anna", anna.references[0]).write_bytes(other)
    import_voices(empty, exported(full, ["anna"]))
    assert empty.get("anna").references[0].sha256 == bert.references[0].sha256


def test_samples_travel_and_are_not_kept(full: VoiceStore, empty: VoiceStore, clips: dict[str, bytes]) -> None:
    with_sample = exported(full, ["anna"], samples={"anna": clips["anna"]})
    assert zipfile.ZipFile(io.BytesIO(with_sample)).read("samples/anna.wav") == clips["anna"]
    assert import_voices(empty, with_sample).imported == (("anna", "anna"),)


def test_exports_that_make_no_sense_are_refused(full: VoiceStore) -> None:
    with pytest.raises(UnknownVoice, match="anne"):
        exported(full, ["anne"])
    with pytest.raises(MalformedInput, match="at least one"):
        exported(full, [])
    with pytest.raises(MalformedInput, match="'bert'"):
        exported(full, ["anna"], samples={"bert": b""})
    with pytest.raises(LimitExceeded, match=r"samples/anna\.wav"):
        exported(full, ["anna"], samples={"anna": bytes(33 * 1024 * 1024)})


def test_a_stream_that_cannot_seek_is_read_and_written(full: VoiceStore, empty: VoiceStore, tree: Tree) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    export_voices(full, ALL, pipe)
    import_voices(empty, Pipe(pipe.getvalue()))
    assert tree("empty") == tree("full")


def test_a_path_and_an_open_file_are_read_too(full: VoiceStore, parcel: bytes, tree: Tree, tmp_path: Path) -> None:
    path = tmp_path / "voices.zip"
    path.write_bytes(parcel)
    import_voices(VoiceStore(tmp_path / "a"), path)
    with path.open("rb") as file:
        import_voices(VoiceStore(tmp_path / "b"), file)
    assert tree("a") == tree("b") == tree("full")


def test_an_unpacked_archive_is_imported_as_well(
    empty: VoiceStore, full: VoiceStore, parcel: bytes, tree: Tree, tmp_path: Path
) -> None:
    zipfile.ZipFile(io.BytesIO(parcel)).extractall(tmp_path / "unpacked")
    import_voices(empty, tmp_path / "unpacked")
    assert tree("empty") == tree("full")


def test_a_clash_is_refused_and_nothing_written(full: VoiceStore, parcel: bytes, tree: Tree) -> None:
    full.remove("bert")
    before = tree("full")
    with pytest.raises(RequestError, match="anna, quick: here already"):
        import_voices(full, parcel)
    assert tree("full") == before


def test_a_clash_is_skipped(full: VoiceStore, parcel: bytes, tree: Tree) -> None:
    before = tree("full")
    full.remove("bert")
    report = import_voices(full, parcel, on_clash="skip")
    assert report.imported == (("bert", "bert"),)
    assert report.skipped == ("anna", "quick")
    assert tree("full") == before


def test_a_clash_is_renamed(full: VoiceStore, parcel: bytes, tree: Tree) -> None:
    before = tree("full")
    report = import_voices(full, parcel, on_clash="rename")
    assert report.imported == (("anna", "anna-2"), ("bert", "bert-2"), ("quick", "quick-2"))
    assert before.items() <= tree("full").items()
    assert full.get("anna-2") == replace(full.get("anna"), id="anna-2", name="Anna (2)")


def test_renaming_takes_no_id_that_the_archive_itself_brings(full: VoiceStore, empty: VoiceStore) -> None:
    import_voices(full, exported(full, ["anna"]), on_clash="rename")
    both = exported(full, ["anna", "anna-2"])
    import_voices(empty, exported(full, ["anna"]))
    report = import_voices(empty, both, on_clash="rename")
    assert report.imported == (("anna", "anna-3"), ("anna-2", "anna-2"))


def test_a_clash_is_replaced(full: VoiceStore, parcel: bytes, tree: Tree) -> None:
    anna, bert = full.get("anna"), full.get("bert")
    clip = full.reference_path("bert", bert.references[0]).read_bytes()
    full.replace(replace(anna, seed=1, references=bert.references), [clip])
    report = import_voices(full, parcel, on_clash="replace")
    assert report.replaced == ("anna", "bert", "quick")
    assert report.imported == tuple((each, each) for each in ALL)
    restored = full.get("anna")
    assert replace(restored, changed=anna.changed) == anna
    assert all(full.reference_path("anna", each).is_file() for each in restored.references)


def test_a_dry_run_reports_the_same_and_writes_nothing(
    full: VoiceStore, empty: VoiceStore, parcel: bytes, tree: Tree, tmp_path: Path
) -> None:
    before = tree("full")
    dry = import_voices(full, parcel, on_clash="rename", dry_run=True)
    assert tree("full") == before
    assert dry == import_voices(full, parcel, on_clash="rename")
    import_voices(empty, parcel, dry_run=True)
    assert not (tmp_path / "empty").exists()
    with pytest.raises(RequestError, match="here already"):
        import_voices(full, parcel, dry_run=True)


def test_a_failure_in_the_third_voice_leaves_none(full: VoiceStore, parcel: bytes, tree: Tree, tmp_path: Path) -> None:
    store = FailingStore(tmp_path / "failing")
    with pytest.raises(KoeError, match="no space left"):
        import_voices(store, parcel)
    assert store.changes == 3
    assert store.profiles() == ()
    assert tree("failing") == {}


def test_a_failure_while_replacing_puts_back_what_was_there(
    full: VoiceStore, parcel: bytes, tree: Tree, tmp_path: Path
) -> None:
    class Failing(VoiceStore):
        changes = 0

        def replace(self, profile: Profile, clips: object = ()) -> Profile:
            self.changes += 1
            if self.changes == 2:
                raise KoeError("no space left on device")
            return super().replace(profile, clips)  # type: ignore[arg-type]

    edited = replace(full.get("anna"), name="Anne", references=full.get("anna").references[:1])
    full.replace(edited)
    full.remove("quick")
    anna, before = full.get("anna"), tree("full")
    with pytest.raises(KoeError, match="no space left"):
        import_voices(Failing(tmp_path / "full"), parcel, on_clash="replace")
    assert tree("full").keys() == before.keys()
    assert replace(full.get("anna"), changed=anna.changed) == anna
    profile = "voices/profiles/anna.json"
    assert {**tree("full"), profile: b""} == {**before, profile: b""}
