"""Tiny checkpoints of all three kinds as fixtures, made once; skipped where the extra `qwen` is not installed."""

import importlib.util
from pathlib import Path

import pytest

from tests.support.checkpoint_configs import Kind
from tests.support.checkpoints import make_checkpoint


@pytest.fixture(scope="session")
def tiny_custom_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _tiny(tmp_path_factory, "custom_voice")


@pytest.fixture(scope="session")
def tiny_voice_design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _tiny(tmp_path_factory, "voice_design")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _tiny(tmp_path_factory, "base")


@pytest.fixture(scope="session")
def tiny_endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A custom_voice checkpoint whose speech does not end by itself."""
    return _tiny(tmp_path_factory, "custom_voice", eos_scale=0.0)


@pytest.fixture(scope="session")
def tiny_brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A custom_voice checkpoint whose speech ends after a few frames."""
    return _tiny(tmp_path_factory, "custom_voice", eos_scale=6.0)


def _tiny(factory: pytest.TempPathFactory, kind: Kind, eos_scale: float = 1.0) -> Path:
    if importlib.util.find_spec("qwen_tts") is None:
        pytest.skip("the extra `qwen` is not installed")
    import torch

    # For models this small, a second thread costs more than it computes.
    torch.set_num_threads(1)
    return make_checkpoint(factory.mktemp("checkpoints") / f"tiny-{kind}", size="tiny", kind=kind, eos_scale=eos_scale)
