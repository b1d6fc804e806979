"""The runs of this machine, for a command; also beside a running server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from koe.cli.state import load_settings

if TYPE_CHECKING:
    from koe.storage.outputs import Outputs


@contextlib.contextmanager
def visiting(context: typer.Context) -> Iterator[Outputs]:
    from koe.app import outputs_of

    outputs = outputs_of(load_settings(context))
    try:
        outputs.visit()
        yield outputs
    finally:
        outputs.close()
