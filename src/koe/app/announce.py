"""The ways to the rooms that the settings open."""

from koe.adapters.home_assistant import HomeAssistant
from koe.adapters.satellites import Satellites
from koe.pipelines.announce import Announcements, Way
from koe.settings import Settings
from koe.speech import Speaker
from koe.speech.telling import Watch


def announcements(settings: Settings, speaker: Speaker, watch: Watch | None = None) -> Announcements:
    """Home Assistant first: a satellite that it has connected to listens to nobody else."""
    timeout, home = settings.announce.timeout, settings.home_assistant
    ways: list[Way] = []
    if home.url is not None and home.token is not None:
        ways.append(HomeAssistant(home.url, home.token.get_secret_value(), home.tts_entity, timeout))
    if settings.announce.satellites:
        ways.append(Satellites(timeout))
    return Announcements(speaker, ways, timeout, watch)
