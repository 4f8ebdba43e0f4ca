"""The listening socket, and its handing over from one server process to the next.

A successor gets the very socket that its predecessor listens on, through a Unix socket. So every
connection that the system has queued is answered by one of the two: none is refused or reset
while a release is switched.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from ..errors import MlopsError, Place

BACKLOG = 2048
_PATIENCE = 10.0


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; port 0 takes a free one.

    Raises
    ------
    MlopsError
        ``serving.port`` where the address cannot be listened on.
    """
    try:
        if not 0 <= port <= 65535:  # the system would take the last 16 bits
            raise OSError("it is no port")
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio sends small answers at once only where the protocol is given.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _taken(host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _taken(host, port, error) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL under which this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def offer(path: Path) -> socket.socket:
    """Return a Unix socket at ``path``, for this user only, where successors may ask."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        # A path of a Unix socket is at most about 100 bytes long, a name in the folder is not.
        with contextlib.chdir(path.parent):
            server.bind(path.name)
    finally:
        os.umask(mask)
    server.listen(1)
    server.setblocking(False)
    return server


def hand_over(server: socket.socket, listener: socket.socket) -> None:
    """Send the listening socket to the successor that asked."""
    with contextlib.suppress(OSError):
        connection, _ = server.accept()
        with connection:
            socket.send_fds(connection, [b"1"], [listener.fileno()])


def take_over(path: Path) -> socket.socket:
    """Return the listening socket of the server that offers it at ``path``.

    Raises
    ------
    MlopsError
        ``serving.take-over`` where nobody answers there.
    """
    descriptors: list[int] = []
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(_PATIENCE)
            with contextlib.chdir(path.parent):
                asking.connect(path.name)
            _, descriptors, _, _ = socket.recv_fds(asking, 1, 1)
    except OSError as error:
        raise _nobody(path, str(error.strerror or error)) from None
    if not descriptors:
        raise _nobody(path, "it sent nothing")
    listener = socket.socket(fileno=descriptors[0])
    listener.setblocking(False)
    return listener


def _taken(host: str, port: int, error: Exception) -> MlopsError:
    return MlopsError(
        "serving.port",
        f"Cannot listen on {host}, port {port}: {getattr(error, 'strerror', None) or error}.",
        hint="give another port, or 0 for a free one.",
    )


def _nobody(path: Path, reason: str) -> MlopsError:
    return MlopsError(
        "serving.take-over",
        f"The running server does not hand its port over: {reason}.",
        hint="stop it, then start this one.",
        place=Place(str(path)),
    )
