"""The ways to the rooms that the settings open."""

from koe.adapters.home_assistant import HomeAssistant
from koe.adapters.satellites import Satellites
from koe.pipelines.announce import Announcements, Way
from koe.settings import Settings
from koe.speech import Speaker
from koe.speech.telling import Watch


def announcements(settings: Settings, speaker: Speaker, watch: Watch | None = None) -> Announcements:
    """Home Assistant first: a satellite that it has connected to listens to nobody else."""
    ways: list[Way] = []
    if (home := home_assistant(settings)) is not None:
        ways.append(home)
    if settings.announce.satellites:
        ways.append(Satellites(settings.announce.timeout))
    return Announcements(speaker, ways, settings.announce.timeout, watch)


def home_assistant(settings: Settings) -> HomeAssistant | None:
    """None where the settings name none."""
    home = settings.home_assistant
    if home.url is None or home.token is None:
        return None
    return HomeAssistant(home.url, home.token.get_secret_value(), home.tts_entity, settings.announce.timeout)
