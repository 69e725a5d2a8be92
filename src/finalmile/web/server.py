"""An HTTP server that ends without losing a request: each connection is told to close with its next answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Any

import uvicorn

from finalmile.web.drain import DrainingProtocol

_SWEEP_S = 1.0


class DrainingServer(uvicorn.Server):
    """Serves a shared listening socket until told to end; then answers whatever was sent before it closes.

    Parameters
    ----------
    seconds
        How long one request may take to come in.
    grace_s
        How long idle keep-alive connections may still bring a request while the server ends.
    ending
        Called once, when it begins to end.
    """

    def __init__(
        self, config: uvicorn.Config, *, seconds: Callable[[], float], grace_s: float, ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._seconds, self._grace_s, self._ending = seconds, grace_s, ending

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the worker's business."""
        yield

    def end(self) -> None:
        """Begin to end."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets=sockets)
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was sent, tell every connection to close, accept what waits to be accepted, and end."""
        self._ending()
        DrainingProtocol.draining = True
        for protocol in self._connections():
            if not protocol.idle:
                protocol.end()
        await self._last_accepted(sockets or [])
        await self._gone(self._grace_s)
        self._sweeper.cancel()
        for protocol in self._connections():
            protocol.shutdown()
        await self._gone(self._seconds())
        for task in list(self.server_state.tasks):
            task.cancel()
        await self.lifespan.shutdown()

    async def _last_accepted(self, sockets: list[socket.socket]) -> None:
        """Close the listening socket for this process, with nobody left who was accepted by the kernel alone."""
        loop = asyncio.get_running_loop()
        copies = [one.dup() for one in sockets]
        for server in self.servers:
            server.close()
        for copy in copies:
            copy.setblocking(False)
            with contextlib.suppress(BlockingIOError, OSError):
                while True:
                    accepted, _ = copy.accept()
                    await loop.connect_accepted_socket(self._protocol, accepted)
            copy.close()

    def _protocol(self) -> DrainingProtocol:
        return DrainingProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=None
        )

    def _connections(self) -> list[Any]:
        return list(self.server_state.connections)

    async def _gone(self, seconds: float) -> None:
        """Wait until every connection has ended, but no longer than some seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (self.server_state.connections or self.server_state.tasks) and loop.time() < until:
            await asyncio.sleep(0.01)

    async def _sweep(self) -> None:
        """Close connections whose callers send or read too slowly."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_S)
            now, seconds = loop.time(), self._seconds()
            for protocol in self._connections():
                if protocol.stuck(now, seconds):
                    protocol.transport.abort()
                elif protocol.rested(now):
                    protocol.transport.close()
