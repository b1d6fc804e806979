"""`koe doctor`: what is well, what isn't, and what to do about it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show
from koe.cli.failures import FAILED
from koe.cli.state import load_settings

if TYPE_CHECKING:
    from koe.cli.checks import Finding
    from koe.settings import Loaded


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check this machine and the settings, and say what to do. Ends with 1 if there is a problem."""
    from koe.cli.checks import Mark

    findings = asyncio.run(_examine(context))
    if as_json:
        show.as_json([dataclasses.asdict(finding) for finding in findings])
    else:
        _print(findings)
    if any(finding.mark is Mark.PROBLEM for finding in findings):
        raise typer.Exit(FAILED)


async def _examine(context: typer.Context) -> list[Finding]:
    from koe.cli.checks import Finding, Mark, machine, qwen
    from koe.core.errors import SettingsError

    findings = [*machine.python(), *machine.libraries(), *machine.gpu()]
    try:
        loaded = load_settings(context)
    except SettingsError as error:
        remedy = "Mend the settings; the other checks need them."
        return [*findings, Finding(Mark.PROBLEM, "Settings", error.message, remedy)]
    folder, file = loaded.data_dir, loaded.config_file
    there = str(file) if file.exists() else f"all at their defaults (there is no {file})"
    findings += [Finding(Mark.OK, "Settings", there), *machine.data_folder(folder), *machine.disk(folder)]
    findings += qwen.checkpoints(loaded.settings, folder)
    return findings + await _try_out(loaded)


async def _try_out(loaded: Loaded) -> list[Finding]:
    from koe.cli.checks import home, network, remote, speech

    settings = loaded.settings
    findings = await network.listening(settings.wyoming.listen)
    findings += [*network.announced(settings), *network.discovery(settings), *await home.announcing(settings)]
    findings += [*await remote.servers(loaded), *await speech.speaking(loaded)]
    return [*findings, *await speech.qwen_speaking(loaded), *await speech.remote_speaking(loaded)]


def _print(findings: Iterable[Finding]) -> None:
    from koe.cli.checks import Mark

    colours = {Mark.OK: "green", Mark.WARNING: "yellow", Mark.PROBLEM: "red"}
    signs = {Mark.OK: "ok     ", Mark.WARNING: "warning", Mark.PROBLEM: "PROBLEM"}
    for finding in findings:
        sign = typer.style(signs[finding.mark], fg=colours[finding.mark])
        typer.echo(f"{sign}  {finding.subject}: {finding.found}")
        if finding.remedy:
            typer.echo(f"         -> {finding.remedy}")
