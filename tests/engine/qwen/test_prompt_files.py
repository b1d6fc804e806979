"""Which prompts there are on disk: told without torch."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from koe.core.errors import EngineUnavailable
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.prompt_files import fingerprint, folder, is_cached, key, metadata, path, sweep
from koe.engine.qwen.published import Ability

ANNA, BERT = "a" * 64, "b" * 64


def safetensors(metadata: dict[str, str] | None) -> bytes:
    """A file without a tensor."""
    header = json.dumps({} if metadata is None else {"__metadata__": metadata}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.fixture
def base(tmp_path: Path) -> Checkpoint:
    root = tmp_path / "models" / "base"
    (root / "speech_tokenizer").mkdir(parents=True)
    for file in (root / "model.safetensors", root / "speech_tokenizer" / "model.safetensors"):
        file.write_bytes(safetensors(None))
    return Checkpoint("base", root, Ability.CLONE, "0.6B")


def keep(data_dir: Path, digest: str, checkpoint: Checkpoint) -> Path:
    """The prompt's file."""
    file = path(folder(data_dir), key(digest, fingerprint(checkpoint)))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(safetensors(metadata(digest, checkpoint.name)))
    return file


def test_a_kept_prompt_is_found(tmp_path: Path, base: Checkpoint) -> None:
    assert not is_cached(tmp_path, ANNA, base)
    keep(tmp_path, ANNA, base)
    assert is_cached(tmp_path, ANNA, base)
    assert not is_cached(tmp_path, BERT, base)


@pytest.mark.parametrize("content", [b"", b"no safetensors", safetensors(None), safetensors(metadata(BERT, "base"))])
def test_a_file_that_is_no_prompt_of_this_clip_is_as_none(tmp_path: Path, base: Checkpoint, content: bytes) -> None:
    keep(tmp_path, ANNA, base).write_bytes(content)
    assert not is_cached(tmp_path, ANNA, base)


@pytest.mark.parametrize("changed", ["model.safetensors", "speech_tokenizer/model.safetensors"])
def test_other_weights_need_another_prompt(tmp_path: Path, base: Checkpoint, changed: str) -> None:
    keep(tmp_path, ANNA, base)
    before, status = fingerprint(base), (base.folder / changed).stat()
    os.utime(base.folder / changed, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert fingerprint(base) != before
    assert not is_cached(tmp_path, ANNA, base)


def test_a_checkpoint_without_its_weights_says_so(tmp_path: Path, base: Checkpoint) -> None:
    keep(tmp_path, ANNA, base)
    (base.folder / "speech_tokenizer" / "model.safetensors").unlink()
    with pytest.raises(EngineUnavailable, match=r"speech_tokenizer/model\.safetensors is missing"):
        fingerprint(base)
    assert not is_cached(tmp_path, ANNA, base)


def test_sweeping_leaves_what_is_wanted_and_what_belongs_to_others(tmp_path: Path, base: Checkpoint) -> None:
    assert sweep(tmp_path, set()) == 0
    wanted, unwanted = keep(tmp_path, ANNA, base), keep(tmp_path, BERT, base)
    damaged, foreign = path(wanted.parent, "0" * 64), path(wanted.parent, "mine")
    being_written, abandoned = (wanted.parent / f".{'0' * 64}.{number}.new" for number in (1, 2))
    for file in (damaged, foreign, being_written, abandoned):
        file.write_bytes(b"?")
    os.utime(abandoned, (time.time() - 7200,) * 2)
    assert sweep(tmp_path, {ANNA}) == 3
    assert sorted(wanted.parent.iterdir()) == sorted([wanted, foreign, being_written])
    assert not unwanted.exists()


def test_no_torch_is_loaded() -> None:
    command = "import sys; import koe.engine.qwen.prompt_files; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command]).returncode == 0
