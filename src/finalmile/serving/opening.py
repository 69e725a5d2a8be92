"""A version from its folder: what was declared when it was registered, its model, and its online table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import orjson

from finalmile.errors import CorruptError
from finalmile.serving.board import Served
from finalmile.serving.online import OnlineTable
from finalmile.serving.ready import ModelOfRows, Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Signature

DECLARED = "serving.json"
"""What an artefact says of a model of rows; artefacts without it answer from tables alone."""

NATIVE = "lightgbm"
"""The loader whose models answer in the process that serves."""

Elsewhere = Callable[[Served, Signature], ModelOfRows]
"""Starts a model in a process of its own."""


def open_version(served: Served, /, *, elsewhere: Elsewhere) -> Ready:
    """A version ready to answer.

    Parameters
    ----------
    elsewhere
        For models that are not read natively, or that shall not answer in this process.

    Raises
    ------
    CorruptError
        What is in the folder is not what was registered.
    """
    table = None if served.table is None else OnlineTable.open(Path(served.table))
    if table is not None:
        table.warm()
    declared = _declared(Path(served.folder))
    if declared is None:
        return Ready(served=served, table=table)
    signature = Signature.from_json(declared["signature"])
    inline = declared["loader"] == NATIVE and not served.isolated
    model = _native(Path(served.folder), signature) if inline else elsewhere(served, signature)
    return Ready(served=served, reader=RowReader(signature), model=model, table=table, inline=inline)


def _native(folder: Path, signature: Signature) -> ModelOfRows:
    from finalmile.forecasters.loaders.lightgbm import LightGBM

    return cast("ModelOfRows", LightGBM().load(folder, signature.outputs))


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
