"""What is on this machine, told by what the files say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from koe.engine.qwen.checkpoints import Checkpoint, find, hub_cache, read
from koe.engine.qwen.published import PUBLISHED, Ability, published, published_for
from tests.support.checkpoint_configs import DIALECT_OF, SPEAKERS, Kind, Size, main_config
from tests.support.hollow import hollow_checkpoint, hollow_codec, write_json, write_weights

SMALL = "Qwen3-TTS-12Hz-0.6B-CustomVoice"


def described(folder: Path) -> Checkpoint:
    checkpoint = read(folder)
    assert checkpoint is not None
    return checkpoint


def found(data_dir: Path, **environ: str) -> list[Checkpoint]:
    return find(data_dir, {"HF_HOME": str(data_dir / "no cache"), **environ})


def cached(home: Path, name: str, commit: str = "abc") -> Path:
    repository = home / "hub" / f"models--Qwen--{name}"
    (repository / "refs").mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return repository / "snapshots" / commit


@pytest.mark.parametrize(
    ("kind", "size", "ability", "instruct"),
    [
        ("custom_voice", "0.6B", Ability.NAMED, False),
        ("custom_voice", "1.7B", Ability.NAMED, True),
        ("voice_design", "1.7B", Ability.DESIGN, False),
        ("base", "0.6B", Ability.CLONE, False),
    ],
)
def test_its_config_says_what_it_can_do(
    tmp_path: Path, kind: Kind, size: Size, ability: Ability, instruct: bool
) -> None:
    checkpoint = described(hollow_checkpoint(tmp_path / "any name", kind=kind, size=size))
    assert (checkpoint.ability, checkpoint.size, checkpoint.instruct) == (ability, size, instruct)
    assert checkpoint.problem is None
    assert checkpoint.parameters == 1


def test_speakers_come_with_their_dialect_and_languages_as_tags(tmp_path: Path) -> None:
    named = described(hollow_checkpoint(tmp_path / "named"))
    assert set(named.speakers) == set(SPEAKERS)
    assert {name: dialect for name, dialect in named.speakers.items() if dialect} == DIALECT_OF
    assert named.languages["de"] == "german"
    assert len(named.languages) == 10
    assert described(hollow_checkpoint(tmp_path / "base", kind="base")).speakers == {}


def test_a_fine_tune_brings_its_own_speakers_and_languages(tmp_path: Path) -> None:
    folder = hollow_checkpoint(tmp_path / "pirate")
    config = main_config("1.7B", "custom_voice")
    config["talker_config"] |= {"spk_id": {"pirate": 3000}, "spk_is_dialect": {"pirate": False}}
    config["talker_config"]["codec_language_id"] |= {"klingon": 2100}
    write_json(folder / "config.json", config)
    checkpoint = described(folder)
    assert checkpoint.speakers == {"pirate": None}
    assert checkpoint.languages["klingon"] == "klingon"


def test_the_codec_alone_is_told_from_the_others(tmp_path: Path) -> None:
    checkpoint = described(hollow_codec(tmp_path / "codec"))
    assert (checkpoint.ability, checkpoint.codec_folder) == (Ability.CODEC, checkpoint.folder)


def test_all_in_the_folder_are_found_and_nothing_else(tmp_path: Path) -> None:
    models = tmp_path / "models"
    hollow_checkpoint(models / SMALL)
    hollow_checkpoint(models / "pirate", kind="base")
    hollow_checkpoint(models / ".download-half")
    (models / "notes").mkdir()
    write_json(models / "pins.json", {})
    llama = models / "llama"
    llama.mkdir()
    write_json(llama / "config.json", {"model_type": "llama"})
    assert [each.name for each in found(tmp_path)] == [SMALL, "pirate"]


def test_no_folder_no_checkpoints(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_the_cache_is_searched_for_published_ones(tmp_path: Path) -> None:
    hollow_checkpoint(cached(tmp_path / "home", SMALL))
    hollow_checkpoint(tmp_path / "home" / "hub" / "models--someone--pirate" / "snapshots" / "abc")
    (checkpoint,) = found(tmp_path, HF_HOME=str(tmp_path / "home"))
    assert (checkpoint.name, checkpoint.origin) == (SMALL, "cache")


def test_a_cache_with_only_some_files_is_no_checkpoint(tmp_path: Path) -> None:
    (hollow_checkpoint(cached(tmp_path / "home", SMALL)) / "model.safetensors").unlink()
    assert found(tmp_path, HF_HOME=str(tmp_path / "home")) == []


def test_the_folder_comes_before_the_cache(tmp_path: Path) -> None:
    hollow_checkpoint(cached(tmp_path / "home", SMALL))
    hollow_checkpoint(tmp_path / "models" / SMALL)
    (checkpoint,) = found(tmp_path, HF_HOME=str(tmp_path / "home"))
    assert checkpoint.origin == "models"


def test_the_cache_is_where_its_variables_say() -> None:
    assert hub_cache({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}) == Path("/a")
    assert hub_cache({"HF_HOME": "/b"}) == Path("/b/hub")
    assert hub_cache({"XDG_CACHE_HOME": "/c"}) == Path("/c/huggingface/hub")
    assert hub_cache({"HOME": "/d"}) == Path("/d/.cache/huggingface/hub")


MISSING = ["model.safetensors", "vocab.json", "generation_config.json", "speech_tokenizer/model.safetensors"]


@pytest.mark.parametrize("name", [*MISSING, "config.json", "speech_tokenizer/config.json"])
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    folder = hollow_checkpoint(tmp_path / "broken")
    (folder / name).unlink()
    assert str(folder / name) in (described(folder).problem or "")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "damaged"),
        (b"<html>sign in</html>", "no safetensors header"),
        ((2).to_bytes(8, "little") + b"[]", "no JSON object"),
        ((9).to_bytes(8, "little") + b'{"a": {}}', "makes no sense at 'a'"),
    ],
)
def test_what_is_no_safetensors_file_is_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    folder = hollow_checkpoint(tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(content)
    assert complaint in (described(folder).problem or "")


def test_a_half_file_is_incomplete(tmp_path: Path) -> None:
    folder = hollow_checkpoint(tmp_path / "half")
    file = folder / "speech_tokenizer" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert f"{file} is incomplete" in (described(folder).problem or "")


def test_numbers_that_can_not_be_computed_with_are_refused(tmp_path: Path) -> None:
    folder = hollow_checkpoint(tmp_path / "small")
    write_weights(folder / "model.safetensors", "", dtype="F8_E4M3")
    assert "holds F8_E4M3 numbers" in (described(folder).problem or "")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth"])
def test_files_that_could_run_code_are_refused(tmp_path: Path, name: str) -> None:
    folder = hollow_checkpoint(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / name)
    assert "could run code" in (described(folder).problem or "")


def test_shards_count_as_one(tmp_path: Path) -> None:
    folder = hollow_checkpoint(tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    for number in (1, 2):
        write_weights(folder / f"model-{number}.safetensors", "shard", numbers=10)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    write_json(folder / "model.safetensors.index.json", index)
    assert described(folder).parameters == 20
    (folder / "model-2.safetensors").unlink()
    assert "model-2.safetensors is missing" in (described(folder).problem or "")


@pytest.mark.parametrize("name", ["../../etc/passwd", "model-1.bin", 7])
def test_shards_stay_in_their_folder(tmp_path: Path, name: object) -> None:
    folder = hollow_checkpoint(tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    write_json(folder / "model.safetensors.index.json", {"weight_map": {"a": name}})
    assert described(folder).problem is not None


def test_unknown_kinds_and_codecs_are_a_problem(tmp_path: Path) -> None:
    folder = hollow_checkpoint(tmp_path / "new")
    config = main_config("0.6B", "custom_voice")
    write_json(folder / "config.json", config | {"tts_model_type": "singing"})
    assert "unknown tts_model_type 'singing'" in (described(folder).problem or "")
    write_json(folder / "config.json", config | {"tokenizer_type": "qwen3_tts_tokenizer_25hz"})
    assert "25hz, which isn't supported" in (described(folder).problem or "")


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"model_type": 1}', '{"model_type": "qwen3_tts", "talker_config": 1}']
)
def test_a_damaged_config_is_a_problem(tmp_path: Path, content: str) -> None:
    folder = hollow_checkpoint(tmp_path / "broken")
    (folder / "config.json").write_text(content)
    assert "missing or damaged" in (described(folder).problem or "")


def test_published_ones_have_short_names() -> None:
    assert published("0.6b-base") == published("Qwen/Qwen3-TTS-12Hz-0.6B-Base")
    assert published("pirate") is None
    assert published_for(Ability.DESIGN, "0.6B").name == "Qwen3-TTS-12Hz-1.7B-VoiceDesign"
    assert published_for(Ability.NAMED, "0.6B", instruct=True).size == "1.7B"
    assert len({each.name for each in PUBLISHED}) == 6


def test_looking_for_checkpoints_loads_nothing_heavy() -> None:
    code = "import sys, koe.engine.qwen.checkpoints, koe.engine.qwen.choice, koe.engine.qwen.download, koe.cli.models;"
    heavy = ["torch", "transformers", "huggingface_hub", "numpy"]
    code += f"print([m for m in {json.dumps(heavy)} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
