"""How the tables of a language are written down."""

from collections.abc import Mapping
from types import MappingProxyType

from koe.core.text.verbalise.values import Coin, Gender


def table(**entries: str) -> Mapping[str, str]:
    return MappingProxyType(entries)


def forms(names: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """A table of names whose plural forms stand between bars: `hour|hours`."""
    return MappingProxyType({key: tuple(value.split("|")) for key, value in names.items()})


def coin(names: str, gender: Gender = "m", minor: str = "", minor_gender: Gender = "m") -> Coin:
    return Coin(tuple(names.split("|")), gender, tuple(minor.split("|")) if minor else (), minor_gender)
