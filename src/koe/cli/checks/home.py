"""Whether announcements can go through Home Assistant, where the settings name one."""

from koe.adapters.home_assistant import HomeAssistant
from koe.app.announce import home_assistant
from koe.cli.checks import Finding, Mark
from koe.core.errors import KoeError
from koe.settings import Settings

_SUBJECT = "Home Assistant"


async def announcing(settings: Settings) -> list[Finding]:
    way = home_assistant(settings)
    return [await _asked(way)] if way is not None else []


async def _asked(way: HomeAssistant) -> Finding:
    try:
        rooms = await way.rooms(lambda _: False)
    except KoeError as error:
        return Finding(Mark.WARNING, _SUBJECT, error.message, "Until then koe announce doesn't go through it.")
    if not rooms:
        return Finding(Mark.OK, _SUBJECT, "it answers, and has no device that it could announce on")
    return Finding(Mark.OK, _SUBJECT, f"it announces in {', '.join(room.name for room in rooms)}")
