"""How a house takes settings that are changed while it runs."""

import asyncio
import logging

from koe.engine.espeak import EspeakEngine
from koe.engine.qwen.engine import QwenEngine
from koe.engine.remote import RemoteEngine
from koe.settings import LiveSettings, Loaded, Settings
from koe.speech import Speaker


def live_settings(loaded: Loaded, speaker: Speaker) -> LiveSettings:
    """To be called in the event loop that speaks: there, changes take effect before whoever made them hears of it."""
    live, loop = LiveSettings(loaded), asyncio.get_running_loop()
    live.watch(lambda now: loop.call_soon_threadsafe(_apply, now.settings, speaker))
    return live


def _apply(settings: Settings, speaker: Speaker) -> None:
    """All that `settings.changeable` says takes effect at once, but for what is looked up with each request."""
    engines = settings.engine
    logging.getLogger().setLevel(settings.log.level.upper())
    speaker.apply(settings.speech, settings.voice, engines.fallback)
    speaker.keeps_rooms = settings.outputs.keep_rooms
    if isinstance(espeak := speaker.engine("espeak"), EspeakEngine):
        espeak.speak_at(engines.espeak.rate, engines.espeak.pitch)
    if isinstance(qwen := speaker.engine("qwen"), QwenEngine):
        qwen.use_styles(engines.qwen.styles)
    if isinstance(remote := speaker.engine("remote"), RemoteEngine):
        remote.use_styles(engines.qwen.styles)
