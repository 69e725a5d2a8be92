"""Trees and schema of the direct model as files, and back again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from finalmile.errors import CorruptError
from finalmile.forecasters.direct.mean_model import DirectMean
from finalmile.forecasters.direct.schema import Schema
from finalmile.forecasters.direct.tree_text import check_trees
from finalmile.forecasters.direct.trees import Trees
from finalmile.forecasters.direct.window_model import DirectWindows


def read_mean(folder: Path, *, threads: int) -> DirectMean:
    """The model of the mean from its folder; ``CorruptError`` where a file is missing or not sound."""
    about = _about(folder / "mean.json")
    return DirectMean(
        schema=_schema(about), trees=_trees(folder / "mean.txt", threads), horizon=cast("int", about["horizon"])
    )


def read_windows(folder: Path, *, threads: int) -> DirectWindows:
    """The model of windows from its folder; ``CorruptError`` where a file is missing or not sound."""
    about = _about(folder / "windows.json")
    levels = cast("list[float]", about["levels"])
    trees = {level: _trees(folder / f"window_{level!r}.txt", threads) for level in levels}
    return DirectWindows(schema=_schema(about), trees=trees, longest=cast("int", about["longest"]))


def _about(path: Path) -> Mapping[str, object]:
    try:
        return cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as fault:
        raise CorruptError(f"{path} cannot be read as JSON ({fault}); train the version again") from fault


def _schema(about: Mapping[str, object]) -> Schema:
    return Schema.from_json(cast("Mapping[str, object]", about["schema"]))


def _trees(path: Path, threads: int) -> Trees:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as fault:
        raise CorruptError(f"{path} cannot be read ({fault}); train the version again") from fault
    check_trees(text)
    return Trees(text, threads)
