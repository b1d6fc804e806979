"""Archives that are broken or made to do harm: each is refused with a reason, and nothing is written."""

import hashlib
import io
import json
import pickle
import random
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from koe.core.errors import LimitExceeded, MalformedInput, RequestError
from koe.voices.store import VoiceStore
from koe.voices.transfer import export_voices, import_voices

Tree = Callable[[str], dict[str, bytes]]
Refused = Callable[..., None]
Files = dict[str, bytes]

MIB = 1024 * 1024


@pytest.fixture
def refused(full: VoiceStore, tree: Tree, tmp_path: Path) -> Iterator[Refused]:
    """Asserts that an import fails for a reason, in a house that has voices and in one that has none."""
    before = tree("full")

    def check(data: bytes, reason: str, error: type[RequestError] = MalformedInput) -> None:
        for house in ("full", "nowhere"):
            with pytest.raises(error, match=reason):
                import_voices(VoiceStore(tmp_path / house), data, on_clash="rename")
        assert tree("full") == before
        assert not (tmp_path / "nowhere").exists()

    yield check


@pytest.fixture
def files(full: VoiceStore) -> Files:
    """Of a good archive."""
    target = io.BytesIO()
    export_voices(full, ["anna", "bert", "quick"], target)
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Files, *more: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of duplicate names
        for path, data in (*files.items(), *more):
            archive.writestr(path, data)
    return target.getvalue()


def patched(files: Files, path: str, **fields: object) -> Files:
    values = json.loads(files[path]) | fields
    return files | {path: json.dumps(values).encode()}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../x.wav", "leads elsewhere: '../x.wav'"),
        ("refs/../../x.wav", "leads elsewhere"),
        ("refs//x.wav", "leads elsewhere"),
        ("./x.wav", "leads elsewhere"),
        ("/etc/x.wav", "absolute path: '/etc/x.wav'"),
        ("C:\\x.wav", "absolute path: 'C:"),
        ("c:/x.wav", "absolute path"),
        ("\\\\server\\x.wav", "characters that no path"),
        ("refs\\x.wav", "characters that no path"),
        ("x.wav:stream.wav", "characters that no path"),
        ("x\n.wav", "characters that no path"),
        ("x" * 600 + ".wav", "too long"),
        ("../", "leads elsewhere"),
    ],
)
def test_paths_that_lead_out(refused: Refused, files: Files, path: str, reason: str) -> None:
    refused(zipped(files, (path, b"")), reason)


def test_a_path_that_hides_its_end_behind_a_nul(refused: Refused, files: Files) -> None:
    data = zipped(files, ("x.wav?.exe", b""))
    refused(data.replace(b"x.wav?.exe", b"x.wav\0.exe"), "characters that no path")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (stat.S_IFLNK, "'refs/anna/link.wav' in the archive is a symbolic link"),
        (stat.S_IFCHR, "no ordinary file"),
        (stat.S_IFIFO, "no ordinary file"),
    ],
)
def test_links_and_devices(refused: Refused, files: Files, mode: int, reason: str) -> None:
    entry = zipfile.ZipInfo("refs/anna/link.wav")
    entry.external_attr = (mode | 0o777) << 16
    refused(zipped(files, (entry, b"/etc/passwd")), reason)


@pytest.mark.parametrize("path", ["refs/bert/code.pkl", "prompts/anna.pt", "setup.exe", "refs/anna/noending", ".wav"])
def test_kinds_of_files_that_belong_to_no_voice(refused: Refused, files: Files, path: str) -> None:
    data = pickle.dumps(print)
    refused(zipped(files, (path, data)), f"{path!r} is no kind of file that belongs to a voice")


def test_files_that_no_voice_names(refused: Refused, files: Files) -> None:
    for path in ("refs/anna/other.wav", "samples/strange.wav", "notes.txt", "profiles/strange.json", "avatar.png"):
        refused(zipped(files, (path, b"{}")), f"'{path}', which belongs to none of its voices")


def test_ten_thousand_files(refused: Refused) -> None:
    refused(zipped({f"{number}.txt": b"" for number in range(10_000)}), "at most 1000 files", LimitExceeded)


def test_a_table_of_contents_that_would_fill_the_memory(refused: Refused, files: Files) -> None:
    entry = zipfile.ZipInfo("a.txt")
    entry.comment = b"x" * 0xFFFF
    many = [(each, b"") for each in [entry] * 20]
    refused(zipped(files, *many), "table of contents", LimitExceeded)


def test_a_bomb(refused: Refused, files: Files) -> None:
    refused(
        zipped(files, ("refs/anna/bomb.wav", bytes(20 * MIB))), r"bomb.wav' is packed more than 200:1", LimitExceeded
    )


def test_files_that_are_too_large(refused: Refused, files: Files) -> None:
    noise = bytes(range(256)) * 4 * 33 * 1024
    stored = zipfile.ZipInfo("refs/anna/large.wav")
    refused(zipped(files, (stored, noise)), "large.wav' is larger than 32 MiB", LimitExceeded)
    refused(zipped(files, (zipfile.ZipInfo("a.txt"), noise[: 2 * MIB])), "a.txt' is larger than 1 MiB", LimitExceeded)


def test_too_much_in_all(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koe.voices.transfer.contents.MOST_IN_ALL", 5 * MIB)
    noise = bytes(range(256)) * 4 * 1024
    many = [(zipfile.ZipInfo(f"{number}.wav"), noise) for number in range(6)]
    refused(zipped({}, *many), "in all", LimitExceeded)


@pytest.mark.parametrize("consistent", [False, True])
def test_headers_that_lie_about_the_size(refused: Refused, files: Files, consistent: bool) -> None:
    real = random.Random(0).randbytes(MIB)
    lying = real[:100]
    data = zipped(files, ("refs/anna/bomb.wav", real))
    data = data.replace(struct.pack("<I", len(real)), struct.pack("<I", len(lying)))
    if consistent:  # so that whoever stops at the promised size sees nothing wrong
        data = data.replace(struct.pack("<I", zlib.crc32(real)), struct.pack("<I", zlib.crc32(lying)))
        refused(data, "Bad CRC-32 for file 'refs/anna/bomb.wav'")
    else:
        refused(data, "the header of 'refs/anna/bomb.wav' lies: 100 bytes, but it has 1048576")


def test_a_bomb_with_a_lying_header(refused: Refused, files: Files) -> None:
    size = 64 * MIB
    data = zipped(files, ("refs/anna/bomb.wav", bytes(size)))
    refused(data.replace(struct.pack("<I", size), struct.pack("<I", 100)), "bomb.wav' is packed", LimitExceeded)


def test_encrypted_files(refused: Refused, files: Files) -> None:
    data = bytearray(zipped(files))
    for signature, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = data.find(signature)
        data[at + offset] |= 1
    refused(bytes(data), "'manifest.json' is encrypted: make the archive without a password")


def test_compressions_that_need_much_memory(refused: Refused, files: Files) -> None:
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        entry = zipfile.ZipInfo("refs/anna/x.wav")
        entry.compress_type = method
        refused(zipped(files, (entry, b"RIFF" * 100)), "x.wav' is compressed in a way")


def test_an_archive_that_is_cut_short_anywhere(full: VoiceStore, files: Files, tmp_path: Path) -> None:
    data = zipped(files)
    for end in [1, 2, 3, 30, *range(100, len(data), len(data) // 40), *range(len(data) - 60, len(data))]:
        with pytest.raises(MalformedInput, match=r"cut short|no zip"):
            import_voices(VoiceStore(tmp_path / "nowhere"), data[:end])
    assert not (tmp_path / "nowhere").exists()


def test_damaged_bytes_anywhere_import_the_voices_or_nothing(files: Files, tmp_path: Path) -> None:
    data = zipped(files)
    for at in [*range(0, len(data), len(data) // 100), *range(len(data) - 800, len(data), 7)]:
        damaged = bytearray(data)
        damaged[at] ^= 0xFF
        try:
            report = import_voices(VoiceStore(tmp_path / "nowhere"), bytes(damaged), dry_run=True)
        except RequestError:
            continue
        assert [here for _, here in report.imported] == ["anna", "bert", "quick"]


@pytest.mark.parametrize("data", [b"", b"hello", b"Rar!\x1a\x07\x01\x00" + bytes(100), b"\x1f\x8b" + bytes(100)])
def test_what_is_no_zip_at_all(refused: Refused, data: bytes) -> None:
    refused(data, "this is no zip")


def test_an_empty_zip(refused: Refused) -> None:
    refused(zipped({}), "there is no voice in it. Koe imports zips")


@pytest.mark.parametrize("path", ["profiles/anna.json", "profiles/ANNA.json", "Profiles/Anna.JSON"])
def test_names_that_are_there_twice(refused: Refused, files: Files, path: str) -> None:
    refused(zipped(files, (path, b"{}")), f"the archive holds '{path}' twice")


@pytest.mark.parametrize("depth", [40, 5_000, 100_000])
def test_json_that_nests_deeply(refused: Refused, files: Files, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    for path in ("manifest.json", "profiles/anna.json"):
        refused(zipped(files | {path: deep}), f"{path}' nests deeper", LimitExceeded)
        refused(zipped(files | {path: b'{"a":' + deep + b"}"}), f"{path}' nests deeper", LimitExceeded)


def test_json_that_is_none(refused: Refused, files: Files) -> None:
    refused(zipped(files | {"manifest.json": b"{"}), "'manifest.json' is no JSON")
    refused(zipped(files | {"manifest.json": b"\xff\xfe\x00"}), "'manifest.json' is no text")
    refused(zipped(files | {"manifest.json": b"9" * 10_000}), "'manifest.json' is no JSON")
    refused(zipped(files | {"manifest.json": b"[]"}), "neither Koe's nor voicebox's")
    refused(zipped(files | {"profiles/anna.json": b"[]"}), "'profiles/anna.json'")


def test_manifests_that_are_wrong(refused: Refused, files: Files) -> None:
    manifest = "manifest.json"
    refused(zipped(patched(files, manifest, version=2, koe="9.1")), r"newer Koe \(9.1, layout 2; .*update Koe")
    refused(zipped(patched(files, manifest, version="2")), "version")
    refused(zipped(patched(files, manifest, surprise=1)), "surprise")
    refused(zipped(patched(files, manifest, format="other")), "neither Koe's nor voicebox's")
    refused(zipped(patched(files, manifest, voices=["anna", "anna"])), "names a voice twice")
    refused(zipped(patched(files, manifest, voices=["../x"])), r"\.\./x")
    refused(zipped(patched(files, manifest, voices=["anna", "bert", "quick", "zoe"])), "lacks 'profiles/zoe.json'")
    refused(zipped(patched(files, manifest, voices=["anna", "bert"])), "'profiles/quick.json', which belongs to none")


def test_profiles_that_are_wrong(refused: Refused, files: Files) -> None:
    path = "profiles/anna.json"
    refused(zipped(patched(files, path, id="bert")), "'profiles/anna.json' holds the voice 'bert'")
    refused(zipped(patched(files, path, speed=1e9)), "'profiles/anna.json': speed")
    refused(zipped(patched(files, path, surprise=1)), "'profiles/anna.json': surprise")
    refused(zipped(patched(files, path, version=99)), "'profiles/anna.json': .*newer Koe")
    escaping = json.loads(files[path])["references"][0] | {"file": "../../x.wav"}
    refused(zipped(patched(files, path, references=[escaping])), "'profiles/anna.json': references")


def test_references_that_are_not_what_the_profile_describes(refused: Refused, files: Files) -> None:
    path = next(name for name in files if name.startswith("refs/anna/"))
    refused(zipped({name: data for name, data in files.items() if name != path}), f"the archive lacks '{path}'")
    refused(zipped(files | {path: files[path] + b"\0\0"}), f"'{path}' is not what .* sha256 is another")


def test_references_with_the_right_sum_that_are_no_recordings(refused: Refused, files: Files) -> None:
    profile = json.loads(files["profiles/bert.json"])
    path = f"refs/bert/{profile['references'][0]['file']}"
    for data, reason in ((b"MZ program", "no audio"), (files[path][:20_000], "damaged")):
        reference = profile["references"][0] | {"sha256": hashlib.sha256(data).hexdigest()}
        changed = patched(files, "profiles/bert.json", references=[reference])
        refused(zipped(changed | {path: data}), f"the references of 'profiles/bert.json': .*{reason}")


def test_a_path_that_is_not_there(empty: VoiceStore, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"no file or folder .*missing\.zip"):
        import_voices(empty, tmp_path / "missing.zip")


def test_half_a_letter_in_json(refused: Refused, files: Files) -> None:
    refused(zipped(patched(files, "profiles/anna.json", name="\ud800")), "'profiles/anna.json': name")
