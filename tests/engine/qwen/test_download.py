"""Downloads from a hub on loopback: resumed, checked, and never half under their name."""

import importlib.util
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from koe.core.errors import Busy, EngineUnavailable, RequestError
from koe.engine.qwen.checkpoints import find
from koe.engine.qwen.download import download
from koe.engine.qwen.hub import Hub
from koe.engine.qwen.manifest import read_manifest, wrong_files
from koe.engine.qwen.store import Store
from tests.support.hollow import hollow_checkpoint, write_weights
from tests.support.hub import COMMIT, FakeHub, fake_hub

if importlib.util.find_spec("huggingface_hub") is None:
    pytest.skip("the extra `qwen` is not installed", allow_module_level=True)

SMALL = "Qwen3-TTS-12Hz-0.6B-CustomVoice"
BASE = "Qwen3-TTS-12Hz-0.6B-Base"
MIB = 1024 * 1024
KEPT = 10 * MIB
"""huggingface_hub writes in pieces of this; what came of the next one is lost with the connection."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    small = hollow_checkpoint(tmp_path / "hub" / SMALL)
    base = hollow_checkpoint(tmp_path / "hub" / BASE, kind="base")
    for folder in (small, base):
        write_weights(folder / "model.safetensors", folder.name, numbers=MIB)
    (small / "README.md").write_text("about it")
    (small / "run.py").write_text("import this")
    (small / "old.bin").write_bytes(b"pickled")
    with fake_hub() as running:
        running.repositories = {f"Qwen/{SMALL}": small, f"Qwen/{BASE}": base, "someone/pirate": small}
        yield running


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    return Store(tmp_path / "data")


def get(name: str, store: Store, hub: FakeHub, revision: str | None = None, spare: int = 0) -> list[str]:
    """What was told."""
    told: list[str] = []
    download(name, store, Hub(hub.uri, pause=0.01), revision=revision, tell=told.append, spare=spare)
    return told


def make_large(hub: FakeHub) -> None:
    """Several pieces."""
    write_weights(hub.repositories[f"Qwen/{SMALL}"] / "model.safetensors", "large", numbers=6 * MIB)


def names(store: Store) -> list[str]:
    """What has a name in the folder, and so is whole."""
    return sorted(each.name for each in store.folder.glob("[!.]*/"))


def test_a_download_is_whole_and_says_where_it_came_from(store: Store, hub: FakeHub) -> None:
    get("0.6B-CustomVoice", store, hub)
    folder = store.path(SMALL)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert (manifest.repo, manifest.revision) == (f"Qwen/{SMALL}", COMMIT)
    assert "speech_tokenizer/model.safetensors" in manifest.files
    assert list(wrong_files(folder)) == []
    (found,) = find(store.folder.parent, {"HF_HOME": str(store.folder)})
    assert (found.name, found.problem) == (SMALL, None)


def test_only_what_is_computed_with_is_fetched(store: Store, hub: FakeHub) -> None:
    get(SMALL, store, hub)
    files = {file.name for file in store.path(SMALL).rglob("*") if file.is_file()}
    assert not files & {"README.md", "run.py", "old.bin"}
    assert not list(store.path(SMALL).rglob(".*"))
    assert not hub.fetched("old.bin")


def test_what_is_here_is_not_fetched_again(store: Store, hub: FakeHub) -> None:
    get(SMALL, store, hub)
    hub.requests.clear()
    (told,) = get(SMALL, store, hub)
    assert "already here" in told
    assert not hub.fetched("safetensors")


def test_a_cut_connection_is_taken_up_where_it_broke(store: Store, hub: FakeHub) -> None:
    make_large(hub)
    hub.cuts["model.safetensors"] = [12 * MIB, 11 * MIB]
    get(SMALL, store, hub)
    assert hub.fetched(f"{COMMIT}/model.safetensors") == [None, f"bytes={KEPT}-", f"bytes={2 * KEPT}-"]
    assert list(wrong_files(store.path(SMALL))) == []


def test_an_ended_download_goes_on_with_the_next_command(store: Store, hub: FakeHub) -> None:
    make_large(hub)
    hub.cuts["model.safetensors"] = [12 * MIB, *[0] * 20]
    with pytest.raises(EngineUnavailable, match="goes on where this one stopped"):
        get(SMALL, store, hub)
    assert names(store) == []
    assert find(store.folder.parent, {"HF_HOME": str(store.folder)}) == []
    hub.cuts.clear()
    hub.requests.clear()
    get(SMALL, store, hub)
    assert hub.fetched(f"{COMMIT}/model.safetensors") == [f"bytes={KEPT}-"]
    assert not hub.fetched(f"{COMMIT}/config.json")
    assert list(wrong_files(store.path(SMALL))) == []


def test_without_a_connection_it_says_so(store: Store, hub: FakeHub) -> None:
    hub.uri = "http://127.0.0.1:9"
    with pytest.raises(EngineUnavailable, match=r"can't download from http://127\.0\.0\.1:9 .* connection\?"):
        get(SMALL, store, hub)


def test_wrong_content_of_the_right_size_is_found_and_fetched_anew(store: Store, hub: FakeHub) -> None:
    right = (hub.repositories[f"Qwen/{SMALL}"] / "model.safetensors").read_bytes()
    hub.lies["model.safetensors"] = right[:-1] + b"!"
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors is not what the hub says it is"):
        get(SMALL, store, hub)
    assert names(store) == []
    hub.lies.clear()
    get(SMALL, store, hub)
    assert list(wrong_files(store.path(SMALL))) == []


def test_wrong_content_of_a_small_file_is_found(store: Store, hub: FakeHub) -> None:
    hub.lies["merges.txt"] = b"#version: 6.6\n"
    with pytest.raises(EngineUnavailable, match=r"merges\.txt is not what the hub says it is"):
        get(SMALL, store, hub)


def test_what_the_hub_lacks_is_said(store: Store, hub: FakeHub) -> None:
    with pytest.raises(EngineUnavailable, match="there is no repository someone/nothing"):
        get("someone/nothing", store, hub)
    with pytest.raises(EngineUnavailable, match="has no revision abc"):
        get(SMALL, store, hub, revision="abc")
    with pytest.raises(RequestError, match="no published checkpoint 'nothing'"):
        get("nothing", store, hub)
    (hub.repositories[f"Qwen/{BASE}"] / "config.json").unlink()
    with pytest.raises(EngineUnavailable, match="holds no checkpoint"):
        get(BASE, store, hub)


def test_a_closed_repository_says_how_to_get_in(store: Store, hub: FakeHub) -> None:
    hub.closed = True
    with pytest.raises(EngineUnavailable, match=r"accept its conditions at .*, then sign in"):
        get(SMALL, store, hub)


def test_the_codec_that_all_carry_is_fetched_once(store: Store, hub: FakeHub) -> None:
    get(SMALL, store, hub)
    hub.requests.clear()
    get(BASE, store, hub)
    assert not hub.fetched("speech_tokenizer/model.safetensors")
    assert list(wrong_files(store.path(BASE))) == []
    store.remove(SMALL)
    assert list(wrong_files(store.path(BASE))) == []


def test_what_has_rotted_is_fetched_anew_and_nothing_else(store: Store, hub: FakeHub) -> None:
    get(SMALL, store, hub)
    file = store.path(SMALL) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    hub.requests.clear()
    get(SMALL, store, hub)
    assert list(wrong_files(store.path(SMALL))) == []
    assert len(hub.fetched(".safetensors")) == 1


def test_a_fine_tune_is_named_after_its_repository(store: Store, hub: FakeHub) -> None:
    get("someone/pirate", store, hub)
    assert names(store) == ["pirate"]


def test_a_folder_of_somebody_else_is_never_replaced(store: Store, hub: FakeHub) -> None:
    hollow_checkpoint(store.path(SMALL))
    with pytest.raises(RequestError, match="not from a download"):
        get(SMALL, store, hub)
    get("someone/pirate", store, hub)
    hub.repositories["other/pirate"] = hub.repositories["someone/pirate"]
    with pytest.raises(RequestError, match="holds someone/pirate"):
        get("other/pirate", store, hub)


def test_a_pin_holds_until_it_is_taken_off(store: Store, hub: FakeHub) -> None:
    store.set_pin(SMALL, "v1")
    get(SMALL, store, hub)
    assert ("GET", f"/api/models/Qwen/{SMALL}/revision/v1", None) in hub.requests
    store.set_pin(SMALL, None)
    get(SMALL, store, hub)
    assert hub.requests[-1][1].endswith("/revision/main")
    with pytest.raises(RequestError, match="no revision"):
        store.set_pin(SMALL, "../../etc")


def test_another_program_at_the_same_download_is_waited_for_by_hand(store: Store, hub: FakeHub) -> None:
    with store.locked(SMALL), pytest.raises(Busy, match="already being downloaded"):
        get(SMALL, store, hub)


def test_too_little_room_is_said_before_anything_is_fetched(store: Store, hub: FakeHub, small_disk: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"not enough disk .* make room"):
        get(SMALL, Store(small_disk), hub)
    assert not hub.fetched(".json")


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_a_disk_that_fills_up_on_the_way_is_said(hub: FakeHub, small_disk: Path) -> None:
    store = Store(small_disk)
    with pytest.raises(EngineUnavailable, match="the disk is full"):
        get(SMALL, store, hub, spare=-100 * MIB)
    assert names(store) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB; needs the right to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_damaged_list_of_pins_is_named(store: Store) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / "pins.json").write_text(json.dumps(["v1"]))
    with pytest.raises(RequestError, match=r"pins\.json is damaged"):
        store.pin(SMALL)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "a\\b", "x" * 100])
def test_names_stay_in_their_folder(store: Store, name: str) -> None:
    with pytest.raises(RequestError):
        store.path(name)
