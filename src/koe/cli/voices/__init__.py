"""`koe voices`: who can speak, and making voices."""

from __future__ import annotations

import typer

from koe.cli.voices import carry, design, hear, listing, make

app = typer.Typer(
    invoke_without_command=True,
    help="List the voices and make new ones: from a clip, from a description, out of a built-in one.",
)
app.callback()(listing.without_command)
app.command("list")(listing.list_)
app.command()(listing.show)
app.command()(make.add)
app.command()(make.edit)
app.command()(make.remove)
app.command()(hear.test)
app.command()(hear.transcribe)
app.command("design")(design.design)
app.command()(design.keep)
app.command()(carry.export)
app.command("import")(carry.import_)
