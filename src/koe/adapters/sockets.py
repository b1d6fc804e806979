"""Listening sockets for the addresses of the settings."""

import socket
from pathlib import Path

from koe.core.errors import SettingsError
from koe.settings import ListenAddress

BACKLOG = 512


def open_socket(address: ListenAddress, elsewhere: str = "--listen or the setting wyoming.listen") -> socket.socket:
    """A bound, listening socket. Raises SettingsError with the remedy; `elsewhere` is how another address is chosen."""
    try:
        return _open_unix(Path(address.path)) if address.kind == "unix" else _open_tcp(address)
    except (OSError, UnicodeError) as error:
        reason = "that is no host name" if isinstance(error, UnicodeError) else error.strerror or error
        raise SettingsError(
            f"can't listen on {address}: {reason}. If another program has it (perhaps another Koe), "
            f"stop that one, or choose another address with {elsewhere}"
        ) from error


def uri_of(bound: socket.socket) -> str:
    """The address as clients write it, with the port that the system chose."""
    if bound.family == socket.AF_UNIX:
        return f"unix://{bound.getsockname()}"
    host, port = bound.getsockname()[:2]
    if host == "::" and not bound.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        return f"tcp://*:{port}"
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _open_tcp(address: ListenAddress) -> socket.socket:
    if address.every_address:
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("::", address.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
        return socket.create_server(("0.0.0.0", address.port), backlog=BACKLOG)
    family, _, _, _, resolved = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(resolved, family=family, backlog=BACKLOG)


def _open_unix(path: Path) -> socket.socket:
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _remove_stale(path: Path) -> None:
    """A killed server leaves its socket file behind; one that answers is in use."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(f"a server answers on {path}")
