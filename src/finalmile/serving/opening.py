"""A version from its folder: what was declared when it was registered, its model, and its online table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from finalmile.errors import CorruptError
from finalmile.serving.board import Served
from finalmile.serving.native_lightgbm import open_rows
from finalmile.serving.online import OnlineTable
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Signature

DECLARED = "serving.json"
"""What an artefact says of a model of rows; artefacts without it answer from tables alone."""

NATIVE = "lightgbm"
"""The loader whose models answer in the process that serves."""


def open_version(served: Served, /, *, deadline_s: float = 2.0) -> Ready:
    """A version ready to answer: checked LightGBM text in this process, whatever else takes rows in one of its own.

    Parameters
    ----------
    deadline_s
        For one answer of a model in a process of its own.

    Raises
    ------
    CorruptError
        What is in the folder is not what was registered, or does not answer as it did.
    ModelFaultError
        A model in a process of its own did not load or answer.
    """
    table = None if served.table is None else OnlineTable.open(Path(served.table))
    if table is not None:
        table.warm()
    declared = _declared(Path(served.folder))
    if declared is None or declared.get("takes") == "sales":
        return Ready(served=served, table=table)
    signature = Signature.from_json(declared["signature"])
    inline = declared["loader"] == NATIVE and not served.isolated
    model = open_rows(Path(served.folder), isolated=not inline, deadline_s=deadline_s)
    return Ready(served=served, reader=RowReader(signature), model=model, table=table, inline=inline)


def _declared(folder: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = orjson.loads((folder / DECLARED).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError) as error:
        raise CorruptError(f"{folder / DECLARED} cannot be read: {error}; register the model again") from error
    if "loader" not in told or not isinstance(told.get("signature"), dict):
        raise CorruptError(f"{folder / DECLARED} lacks its loader or its signature; register the model again")
    return told
