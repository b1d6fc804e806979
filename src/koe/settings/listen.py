"""Where a server listens, as a URI: `tcp://*:10210`, `tcp://192.168.1.5:10210`, `tcp://[::1]:10210`,
`unix:///run/koe.sock`."""

import re
from dataclasses import dataclass
from typing import Literal

EVERY_ADDRESS = "*"
"""The host that stands for every IPv4 and IPv6 address of the machine."""

_TCP = re.compile(r"tcp://(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>\d{1,5})/?")
_UNIX = re.compile(r"unix://(?P<path>/[^\0]+)")

_FORMS = "tcp://*:10210, tcp://192.168.1.5:10210, tcp://[::1]:10210 or unix:///run/koe.sock"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One listening socket; `str()` gives its URI back."""

    kind: Literal["tcp", "unix"]

    host: str = ""
    """tcp: a name or an address without brackets, or EVERY_ADDRESS."""

    port: int = 0
    """tcp: 0 lets the system choose."""

    path: str = ""
    """unix: absolute."""

    @classmethod
    def parse(cls, uri: str) -> "ListenAddress":
        """Raises ValueError with the forms that would be right."""
        if match := _UNIX.fullmatch(uri):
            return cls("unix", path=match["path"])
        match = _TCP.fullmatch(uri)
        if not match:
            raise ValueError(f"{uri!r} is no address to listen on: write one like {_FORMS}")
        if int(match["port"]) > 65535:
            raise ValueError(f"{uri!r}: a port is a number from 0 to 65535")
        return cls("tcp", host=match["v6"] or match["host"], port=int(match["port"]))

    @property
    def every_address(self) -> bool:
        """Whether it listens on all IPv4 and IPv6 addresses."""
        return self.host == EVERY_ADDRESS

    def __str__(self) -> str:
        if self.kind == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"
