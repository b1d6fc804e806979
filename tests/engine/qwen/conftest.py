"""Tiny checkpoints of all three kinds, made once; skipped where the extra `qwen` is not installed."""

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


def _tiny(factory: pytest.TempPathFactory, kind: Kind) -> Path:
    if importlib.util.find_spec("qwen_tts") is None:
        pytest.skip("the extra `qwen` is not installed")
    return make_checkpoint(factory.mktemp("checkpoints") / f"tiny-{kind}", size="tiny", kind=kind)
