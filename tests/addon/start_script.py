"""The add-on's start script as a module: it is no part of the package."""

import importlib.util
from pathlib import Path
from types import ModuleType

ADDON = Path(__file__).parents[2] / "addon"
START = ADDON / "rootfs" / "usr" / "share" / "koe" / "start.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("koe_addon_start", START)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
