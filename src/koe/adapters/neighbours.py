"""The Wyoming servers that announce themselves on the LAN, whatever they do: also those that don't answer."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice

from wyoming.info import Info

from koe.adapters.wyoming_peer import MALFORMED, Peer, conversation
from koe.adapters.wyoming_search import SEARCH_SECONDS, Service, search_services
from koe.core.errors import EngineError, EngineUnavailable
from koe.core.neighbour import Neighbour, NeighbourKind

_DESCRIBE_SECONDS = 2.0
_LOOK_SECONDS = SEARCH_SECONDS + _DESCRIBE_SECONDS / 2
"""Whoever is seen within the first half of it and says nothing is told of."""

_MOST_ADDRESSES = 8
_MOST_PROGRAMS = 20
_MOST_CHARACTERS = 100
"""Of what a server says of itself."""

_KINDS: tuple[tuple[str, NeighbourKind], ...] = (
    ("tts", "text-to-speech"),
    ("asr", "speech-to-text"),
    ("wake", "wake-word"),
    ("handle", "conversation"),
    ("intent", "intent"),
    ("mic", "microphone"),
    ("snd", "speaker"),
)
"""The fields of a description, and what they are called."""


async def find_neighbours() -> Sequence[Neighbour]:
    """By name; takes some seconds. None where there is no network."""
    found = await search_services(_meet, _LOOK_SECONDS)
    return sorted(found, key=lambda each: (each.name.casefold(), each.uri))


async def _meet(service: Service) -> Neighbour:
    """At the first of its addresses that answers: some may be of networks that this machine isn't in."""
    if not service.uris:
        raise EngineUnavailable(f"{service.name} announces itself without an address")
    asking = [asyncio.create_task(_described(service, uri)) for uri in service.uris[:_MOST_ADDRESSES]]
    problem = ""
    try:
        for answer in asyncio.as_completed(asking):
            try:
                return await answer
            except EngineError as error:
                problem = problem or error.message
    finally:
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return Neighbour(service.name, service.name, service.uris[0], problem=problem)


async def _described(service: Service, uri: str) -> Neighbour:
    """Raises EngineError."""
    async with conversation(uri, "Wyoming server", _DESCRIBE_SECONDS) as peer:
        return _neighbour(service, peer, await peer.describe())


def _neighbour(service: Service, peer: Peer, info: Info) -> Neighbour:
    try:
        kinds = tuple(kind for field, kind in _KINDS if any(each.installed for each in getattr(info, field)))
        programs = tuple(islice(dict.fromkeys(_programs(info)), _MOST_PROGRAMS))
    except MALFORMED as error:
        raise peer.unintelligible() from error
    satellite = info.satellite
    if satellite is None:
        return Neighbour(service.name, next(iter(programs), service.name), peer.uri, kinds, programs)
    name = satellite.name if isinstance(satellite.name, str) else service.name
    return Neighbour(service.name, name[:_MOST_CHARACTERS], peer.uri, ("satellite", *kinds), programs)


def _programs(info: Info) -> Iterator[str]:
    for field, _ in _KINDS:
        for program in getattr(info, field):
            yield str(program.name)[:_MOST_CHARACTERS]
