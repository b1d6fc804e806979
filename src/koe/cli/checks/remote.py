"""Whether the speech servers elsewhere can be used, where there are any."""

from typing import TYPE_CHECKING

from koe.cli.checks import Finding, Mark
from koe.settings import Loaded

if TYPE_CHECKING:
    from koe.engine.remote import ServerState


async def servers(loaded: Loaded) -> list[Finding]:
    settings = loaded.settings.engine
    if not settings.remote.servers:
        return []
    from koe.engine.remote import RemoteEngine

    engine = RemoteEngine(settings.remote, loaded.data_dir, settings.qwen.styles)
    try:
        await engine.start()
        return [_finding(each) for each in engine.servers()]
    finally:
        await engine.stop()


def _finding(server: "ServerState") -> Finding:
    subject = f"Speech server {server.name}"
    if server.trouble:
        remedy = "See whether it runs, and whether its address and key are right (setting engine.remote.servers)."
        return Finding(Mark.WARNING, subject, server.trouble, remedy)
    abilities = [f"{server.voices} voices", *["clones"] * server.clones, *["designs voices"] * server.designs]
    model = f" with {server.model}" if server.model else ""
    return Finding(Mark.OK, subject, f"{server.kind}{model}: {', '.join(abilities)}")
