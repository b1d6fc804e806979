"""The Wyoming protocol over tcp and unix sockets.

bytes -> framing (limits) -> dialogue (what an event means now) -> connection (tasks, deadlines) -> bytes
"""

from koe.adapters.wyoming.server import WyomingServer

__all__ = ["WyomingServer"]
