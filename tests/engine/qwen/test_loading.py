"""Checkpoints into memory: as the package loads them, from the folder alone, and failures with a remedy."""

import importlib
import json
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from koe.core.errors import EngineUnavailable
from koe.engine.qwen.package import import_qwen_tts
from koe.engine.qwen.published import VERIFY, Ability
from tests.support.checkpoint_configs import SPEAKERS
from tests.support.checkpoints import make_checkpoint

torch = pytest.importorskip("torch")
loading = pytest.importorskip("koe.engine.qwen.loading")
Device = loading.Device

CPU = Device("cpu", torch.float32, "for a test")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("loading a checkpoint opens no connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def broken(tiny_custom_voice: Path, tmp_path: Path) -> Path:
    """To break."""
    return Path(shutil.copytree(tiny_custom_voice, tmp_path / "broken"))


def complaint(folder: Path, device: Any = CPU) -> str:
    with pytest.raises(EngineUnavailable) as caught:
        loading.load(folder, device)
    return caught.value.message


def speech(package: Any, model: Any, processor: Any) -> Any:
    torch.manual_seed(1)
    wrapped = package.Qwen3TTSModel(model, processor, model.generate_config)
    (audio,), _ = wrapped.generate_custom_voice("Good night.", "ryan", "english", max_new_tokens=8)
    return audio


def test_it_says_what_was_loaded(tiny_custom_voice: Path) -> None:
    loaded = loading.load(tiny_custom_voice, CPU)
    assert loaded.abilities == {Ability.NAMED}
    assert set(loaded.speakers) == set(SPEAKERS)
    assert loaded.languages["ja"] == "japanese"
    assert (loaded.attention, loaded.dtype, loaded.device) == ("sdpa", torch.float32, CPU)
    assert loaded.config.talker_config.hidden_size == 64
    assert not loaded.model.training
    assert not any(weight.requires_grad for weight in loaded.model.parameters())


def test_it_speaks_as_what_the_package_loads(tiny_custom_voice: Path) -> None:
    package = import_qwen_tts()
    theirs = package.Qwen3TTSModel.from_pretrained(str(tiny_custom_voice), local_files_only=True)
    loaded = loading.load(tiny_custom_voice, CPU)
    expected = speech(package, theirs.model, theirs.processor)
    assert (speech(package, loaded.model, loaded.processor) == expected).all()


def test_text_becomes_the_tokens_of_the_package(tiny_base: Path) -> None:
    import_qwen_tts()
    text = "<|im_start|>assistant\nIt's 21 °C, Überraschung! こんにちは 你好\n\n  don't<|im_end|>\n"
    classes = importlib.import_module("transformers")
    theirs = classes.AutoProcessor.from_pretrained(tiny_base, fix_mistral_regex=True)
    ours = loading.load(tiny_base, CPU).processor
    assert ours(text=text)["input_ids"] == theirs(text=text)["input_ids"]


@pytest.mark.parametrize(("fixture", "has_encoder"), [("tiny_voice_design", False), ("tiny_base", True)])
def test_only_what_clones_keeps_the_encoder(fixture: str, has_encoder: bool, request: pytest.FixtureRequest) -> None:
    loaded = loading.load(request.getfixturevalue(fixture), CPU)
    assert (loaded.codec.encoder is not None) is has_encoder
    assert loaded.model.speech_tokenizer.model is loaded.codec


def test_a_reference_can_be_encoded(tiny_base: Path) -> None:
    tokenizer = loading.load(tiny_base, CPU).model.speech_tokenizer
    noise = torch.rand(24000).numpy()
    (codes,) = tokenizer.encode(noise, sr=24000).audio_codes
    assert codes.shape == (13, 16)


def test_the_same_codec_is_loaded_once(tiny_custom_voice: Path, tiny_voice_design: Path) -> None:
    first = loading.load(tiny_custom_voice, CPU)
    assert loading.load(tiny_voice_design, CPU, codec_of=first).codec is first.codec


def test_a_codec_without_encoder_is_not_lent_to_what_clones(tiny_custom_voice: Path, tiny_base: Path) -> None:
    named = loading.load(tiny_custom_voice, CPU)
    clone = loading.load(tiny_base, CPU, codec_of=named)
    assert clone.codec is not named.codec
    assert loading.load(tiny_custom_voice, CPU, codec_of=clone).codec is clone.codec


def test_another_codec_is_not_shared(tiny_custom_voice: Path, tmp_path: Path) -> None:
    other = make_checkpoint(tmp_path / "other", size="tiny", kind="custom_voice", seed=1)
    first = loading.load(tiny_custom_voice, CPU)
    assert loading.load(other, CPU, codec_of=first).codec is not first.codec


def test_half_precision_is_for_all_but_the_codec(tiny_custom_voice: Path) -> None:
    loaded = loading.load(tiny_custom_voice, Device("cpu", torch.bfloat16, "for a test"))
    assert loaded.model.dtype is torch.bfloat16
    assert loaded.codec.dtype is torch.float32


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "speech_tokenizer/config.json"])
def test_nothing_of_a_checkpoint_is_run(broken: Path, tmp_path: Path, file: str) -> None:
    ran = tmp_path / "ran"
    (broken / file).parent.joinpath("evil.py").write_text(f"open({str(ran)!r}, 'w')")
    classes = ["AutoConfig", "AutoModel", "AutoProcessor", "AutoFeatureExtractor"]
    remote = dict.fromkeys(classes, "evil.Evil") | {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
    content = json.loads((broken / file).read_bytes())
    (broken / file).write_text(json.dumps(content | {"auto_map": remote}))
    loading.load(broken, CPU)
    assert not ran.exists()


def test_pickled_weights_are_refused(broken: Path) -> None:
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    assert "could run code" in complaint(broken)


def test_failures_name_the_file_and_the_remedy(broken: Path) -> None:
    file = broken / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    told = complaint(broken)
    assert f"{file} is incomplete" in told
    assert f"see {VERIFY} broken, or copy it here again" in told


@pytest.mark.parametrize("file", ["vocab.json", "generation_config.json", "speech_tokenizer/preprocessor_config.json"])
def test_damage_in_a_small_file_is_told(broken: Path, file: str) -> None:
    (broken / file).write_text("<html>")
    assert complaint(broken).startswith(f"{broken / file} is damaged: it can't be read as JSON; see ")


def test_weights_that_do_not_fit_are_refused(broken: Path, tiny_base: Path) -> None:
    shutil.copy(tiny_base / "model.safetensors", broken)
    told = complaint(broken)
    assert f"{broken / 'model.safetensors'} can't be loaded (the weights don't fit config.json: speaker_encoder" in told


def test_weights_of_another_shape_are_refused(broken: Path) -> None:
    config = json.loads((broken / "config.json").read_bytes())
    config["talker_config"]["intermediate_size"] = 64
    (broken / "config.json").write_text(json.dumps(config))
    assert "size mismatch" in complaint(broken)


def test_too_little_memory_is_said_before_anything_is_loaded(broken: Path) -> None:
    parameters = 10**12
    tensor = {"dtype": "F32", "shape": [parameters], "data_offsets": [0, 4 * parameters]}
    header = json.dumps({"weight": tensor}).encode()
    with (broken / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(file.tell() + 4 * parameters)  # a hole, which takes no room on the disk
    told = complaint(broken)
    assert "not enough memory for broken: it needs 3725.3 GiB" in told
    assert "end other programs" in told


def test_folders_that_hold_something_else_are_refused(tiny_custom_voice: Path, tmp_path: Path) -> None:
    assert "holds no Qwen3-TTS checkpoint" in complaint(tmp_path)
    assert "is the codec alone" in complaint(tiny_custom_voice / "speech_tokenizer")


def test_the_package_needs_no_torchaudio() -> None:
    import_qwen_tts()
    assert "torchaudio" in sys.modules
    assert vars(sys)["modules"]["torchaudio"] is None
