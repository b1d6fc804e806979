"""Which voices are on their way: their checkpoint is being loaded, or downloaded."""

from collections.abc import Collection, Mapping

from koe.adapters.http.house import Coming, House
from koe.core.errors import KoeError
from koe.core.profile import Profile
from koe.engine.qwen.checkpoints import find
from koe.engine.qwen.engine import QwenEngine, cloner
from koe.engine.qwen.published import Ability, published


def coming_voices(house: House, downloading: Collection[str]) -> Mapping[str, Coming]:
    """By voice. `downloading`: names of checkpoints. Blocks."""
    engine = house.speaker.engine(QwenEngine.name)
    if not isinstance(engine, QwenEngine):
        return {}
    loading = {name for name, held in engine.held().items() if not held.ready}
    if not loading and not downloading:
        return {}
    named = {voice.id: engine.speaks_with(voice) for voice in engine.voices()}
    cloned = _Cloned(house, downloading)
    wanted = named | {each.id: named.get(each.base) if each.base else cloned.by(each) for each in cloned.own}
    return {
        voice: Coming("loading", f"{name} is being loaded")
        if name in loading
        else Coming("downloading", f"{name} is being downloaded")
        for voice, name in wanted.items()
        if name in loading or (name in downloading and voice not in named)
    }


class _Cloned:
    def __init__(self, house: House, downloading: Collection[str]) -> None:
        self._settings, self._found = house.loaded.settings.engine.qwen, find(house.loaded.data_dir)
        self.own = [each for each in house.store.profiles() if each.base or each.engine == QwenEngine.name]
        self._cloners = [name for name in downloading if (it := published(name)) and it.ability is Ability.CLONE]

    def by(self, profile: Profile) -> str | None:
        """The checkpoint that speaks it, or will as soon as it is here."""
        try:
            return cloner(self._found, self._settings, profile.size).name
        except KoeError:
            return next(iter(self._cloners), None)
