"""Bodies on their way to the manager: passed on piece by piece, never kept whole."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from finalmile.web.bodies import GoneError, Receive
from finalmile.web.replies import CLOSE, RefusedError

BATCHES = re.compile(r"/v1/models/[^/]+/batches")
MOST = "FINALMILE_UPLOAD_BYTES"
"""Environment variable: bytes of a batch's upload, in place of the usual most."""

USUAL_MOST = 1_000_000_000
PATIENCE = "finalmile.patience"
"""In a request's scope: called whenever a piece came or went, so that what takes long is not taken for stuck."""

SILENCE_S = 25.0
"""How long whoever uploads may send nothing; less than a request may be without a sign before its connection is cut."""


def most_bytes() -> int:
    """Bytes that a batch's upload may have, as the environment says."""
    told = os.environ.get(MOST, "")
    return int(told) if told.isdecimal() and len(told) <= 15 else USUAL_MOST


class Upload:
    """The body of one request that the manager is to answer.

    Parameters
    ----------
    usual
        Bytes that a body may have anywhere but where batches are uploaded.

    Raises
    ------
    RefusedError
        413 where it is told to be longer than it may be, 415 where it is compressed.
    """

    def __init__(self, scope: Mapping[str, Any], receive: Receive, *, usual: int) -> None:
        self._receive = receive
        self.patience: Callable[[], None] = scope.get(PATIENCE, _nothing)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        self.most = max(usual, most_bytes()) if BATCHES.fullmatch(str(scope.get("path", ""))) else usual
        told = headers.get(b"content-length")
        if told is not None and (len(told) > 15 or int(told) > self.most):
            raise self._too_large()
        encoding = headers.get(b"content-encoding", b"identity")
        if encoding.lower() != b"identity":
            raise RefusedError(415, "compressed", "compressed bodies are not read; send it as it is")
        self.length = 0 if told is None else int(told)
        self.chunked = told is None and b"transfer-encoding" in headers
        self.long = self.chunked or self.length > usual

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body as it comes.

        Raises
        ------
        RefusedError
            413 past its bound, 408 where nothing comes any more.
        GoneError
            The caller hung up.
        """
        size, more = 0, True
        while more:
            try:
                message = await asyncio.wait_for(self._receive(), SILENCE_S)
            except TimeoutError:
                message_told = f"nothing came for {SILENCE_S:.0f} s; send it again"
                raise RefusedError(408, "timeout", message_told, headers=(CLOSE,)) from None
            if message["type"] == "http.disconnect":
                raise GoneError
            piece, more = message["body"], message["more_body"]
            size += len(piece)
            if size > self.most:
                raise self._too_large()
            self.patience()
            if piece:
                yield piece

    def _too_large(self) -> RefusedError:
        message = f"the body is larger than {self.most:,} bytes; send less at once, or upload it as a batch"
        if self.most >= most_bytes():
            message = f"the upload is larger than {self.most:,} bytes; send it in parts, or set {MOST} for serve"
        return RefusedError(413, "too_large", message, headers=(CLOSE,))


def _nothing() -> None:
    pass
