"""Serving the pages to this machine only."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI


def serve(app: FastAPI, port: int = 8765, *, ready: Callable[[str], None] = print) -> None:
    """Answer on 127.0.0.1 until interrupted.

    Parameters
    ----------
    app
        What :func:`create_app` gave.
    port
        Port to listen on; 0 takes a free one.
    ready
        Told the address once the port is bound, before the first request is answered; prints it by default.

    Raises
    ------
    OSError
        When the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        ready(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False))
        server.run(sockets=[listener])
    finally:
        listener.close()
