"""The settings: one YAML file, then what was changed over HTTP, then `KOE_*` environment variables, then the command
line.

    read text -> yaml_file.parse -> migrate.migrated -> load.load -> Settings
    live.LiveSettings.change -> overlay.Overlay.write; whoever watches gets the new ones

`load` answers with every setting in force and where it came from, or raises one SettingsError that lists
everything that was wrong.
"""

from koe.settings.listen import ListenAddress
from koe.settings.live import LiveSettings
from koe.settings.load import Loaded, load
from koe.settings.schema import Settings
from koe.settings.schema.discovery import DiscoverySettings
from koe.settings.schema.engine import EngineSettings, EspeakSettings, FakeSettings
from koe.settings.schema.log import LogSettings
from koe.settings.schema.qwen import QwenSettings
from koe.settings.schema.speech import SpeechSettings
from koe.settings.schema.stop import StopSettings
from koe.settings.schema.voice import VoiceSettings
from koe.settings.schema.wyoming import WyomingSettings
from koe.settings.source import Source, SourceKind

__all__ = [
    "DiscoverySettings",
    "EngineSettings",
    "EspeakSettings",
    "FakeSettings",
    "ListenAddress",
    "LiveSettings",
    "Loaded",
    "LogSettings",
    "QwenSettings",
    "Settings",
    "Source",
    "SourceKind",
    "SpeechSettings",
    "StopSettings",
    "VoiceSettings",
    "WyomingSettings",
    "load",
]
