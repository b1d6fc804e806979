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
from koe.settings.schema import (
    DiscoverySettings,
    EngineSettings,
    EspeakSettings,
    FakeSettings,
    LogSettings,
    QwenSettings,
    Settings,
    SpeechSettings,
    StopSettings,
    VoiceSettings,
    WyomingSettings,
)
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
