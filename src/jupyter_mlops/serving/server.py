"""The server process: uvicorn with a graceful end and a socket that can be handed over."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from . import listening
from .guard import Guard

DRAIN_SECONDS = 5.0
"""Idle kept-alive connections are closed after this time."""
_GRACE_SECONDS = 20


class Server(uvicorn.Server):
    """Serves an application on one listening socket until SIGTERM or SIGINT.

    On a signal it accepts no more connections, marks each answer ``Connection: close``, and ends
    when the connections are gone: requests in flight are finished, and clients that keep a
    connection move to whoever listens now.
    """

    def __init__(self, app: Guard, listener: socket.socket, control: Path | None) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            backlog=listening.BACKLOG,
        )
        super().__init__(config)
        self._app = app
        self._listener = listener
        self._control = control
        self._signals = 0

    def serve_until_told(self, ready: Callable[[], None]) -> None:
        """Serve; ``ready`` is called once connections are accepted."""
        asyncio.run(self._until_told(ready))

    async def _until_told(self, ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        offer = listening.offer(self._control) if self._control else None
        serving = asyncio.create_task(self.serve(sockets=[self._listener]))
        while not self.started and not serving.done():
            await asyncio.sleep(0.005)
        if offer is not None:
            loop.add_reader(offer, listening.hand_over, offer, self._listener)
        try:
            if self.started:
                ready()
            await serving
        finally:
            if offer is not None:
                loop.remove_reader(offer)
                offer.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1 and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.draining = True
        # The event loop forgets the socket; a successor's copy of it stays open.
        for server in self.servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self.server_state.connections and not self.force_exit:
                    await asyncio.sleep(0.02)
        await super().shutdown(sockets)
