"""Uploads of batches: on the disk as they come, and refused by their first bytes where they are something else."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson
from anyio import to_thread
from fastapi import Request
from starlette.exceptions import HTTPException

from finalmile.errors import SchemaError, TransientError
from finalmile.serving.cells import header_of
from finalmile.serving.signature import Feature
from finalmile.web.replies import RefusedError
from finalmile.web.tables import check_names
from finalmile.web.uploads import SILENCE_S

_MARK = b"PAR1"
_LOOKED_AT = 100_000
"""Bytes within which the first line of an upload is looked at."""

_ASKED_EVERY = 16_000_000
"""Bytes after which it is asked again whether there is room."""

_RIGHT = 'one record a line, as in {"unique_id": "milk", "horizon": 7}'


async def received(
    request: Request, path: Path, *, form: str, room: Callable[[int], None], features: Sequence[Feature] | None
) -> None:
    """Keep a body durably as it comes; whoever stops sending is let go.

    Parameters
    ----------
    room
        Refuses so many more bytes where there is no room for them.
    features
        What a header of CSV may name beside what a record holds; ``None`` where that is not known.

    Raises
    ------
    HTTPException
        408 where nothing comes any more, 422 where it is not what its content type says.
    TransientError
        The disk is full, or would be.
    """
    head, size, asked_at = b"", 0, 0
    told = request.headers.get("content-length", "")
    length = int(told) if told.isdecimal() else 0
    await to_thread.run_sync(room, length)
    try:
        with path.open("wb") as file:
            async for part in _parts(request):
                size += len(part)
                if len(head) < _LOOKED_AT:
                    named = b"\n" in head
                    head = (head + part)[:_LOOKED_AT]
                    _check_head(head, form)
                    if form == "csv" and not named and b"\n" in head:
                        _check_columns(head, features)
                await to_thread.run_sync(file.write, part)
                if size - asked_at >= _ASKED_EVERY:
                    asked_at = size
                    await to_thread.run_sync(room, max(0, length - size))
            await to_thread.run_sync(_kept, file)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise TransientError("the disk is full, and the upload is not kept; make room, and send it again") from error
    _check_whole(path, head, size, form)
    if form == "csv" and b"\n" not in head and size < _LOOKED_AT:
        _check_columns(head, features)


async def _parts(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream().__aiter__()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), timeout=SILENCE_S)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise HTTPException(408, f"nothing came for {SILENCE_S:.0f} s; send it again") from None


def _kept(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _check_head(head: bytes, form: str) -> None:
    """Refuse at once what cannot become right by what follows."""
    if form == "forecast" and len(head.strip()) > 2:
        raise HTTPException(
            422,
            "application/json asks for the forecast of every series and takes nothing but {}. Records go as "
            f"application/jsonl, {_RIGHT}",
        )
    if form == "parquet" and not _MARK.startswith(head[:4]):
        raise HTTPException(
            422,
            "the body is no Parquet file: it does not begin with PAR1. Send the file as it is (curl --data-binary "
            "@records.parquet), or CSV as text/csv, or JSON lines as application/jsonl",
        )
    line, ended, _ = head.lstrip().partition(b"\n")
    if form == "jsonl":
        if line.startswith(b"["):
            raise HTTPException(422, f"the body is a JSON list; JSON lines hold {_RIGHT}, without brackets or commas")
        if ended:
            _check_line(line)
    if form == "csv" and line[:1] in (b"{", b"["):
        raise HTTPException(422, "the body is JSON, not CSV; send it as application/jsonl, " + _RIGHT)


def _check_columns(head: bytes, features: Sequence[Feature] | None) -> None:
    """Refuse a first line that names what the model does not take: every row would be an error."""
    try:
        columns = header_of(head.partition(b"\n")[0])
        if features is not None:
            check_names(columns, features, mend="")
    except SchemaError as error:
        raise HTTPException(422, "; ".join(error.faults)) from None
    except RefusedError as refused:
        raise HTTPException(422, refused.message) from None


def _check_line(line: bytes) -> None:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        if line.strip() in (b"{", b"{ "):
            raise HTTPException(422, f"the first line ends within a record; JSON lines hold {_RIGHT}") from None
        return  # said in its own row of the result
    if isinstance(told, dict) and "instances" in told:
        raise HTTPException(422, f"the body is {{instances: [...]}}, as :predict takes it; a batch takes {_RIGHT}")


def _check_whole(path: Path, head: bytes, size: int, form: str) -> None:
    if size == 0:
        raise HTTPException(422, "the body is empty; send records, or {} as application/json for the whole forecast")
    if form == "forecast" and head.strip() != b"{}":
        raise HTTPException(422, "application/json asks for the forecast of every series; send {}")
    if form == "jsonl" and size < _LOOKED_AT:
        _check_line(head.strip().partition(b"\n")[0])
    if form == "parquet" and not _ends_well(path, size):
        raise HTTPException(422, "the Parquet file is cut off: it does not end with PAR1. Send it again, whole")


def _ends_well(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, size - 4))
        return size >= 12 and file.read() == _MARK
