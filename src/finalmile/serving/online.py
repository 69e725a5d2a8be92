"""Online tables: what is known of every series at a cutoff, one folder, looked up by unique_id without being read in.

A table of features holds a row (or a row per period ahead) for a model of rows; a table of answers holds what the
forecaster said, so that online and batch say the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from finalmile.errors import CorruptError

_LISTS = ("ds", "names", "levels", "window_levels", "methods")
ABOUT, IDS = "about.json", "ids.json"
Values = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a table holds.

    Parameters
    ----------
    cutoff, ds
        Last known period, and the periods that are answered for, as ISO text.
    names
        Features in order; empty for answers.
    levels, window_levels
        Levels of the quantiles per period, and of demand over whole windows.
    methods
        Names that ``methods.npy`` counts through: how each series' windows were calibrated.
    """

    model: str
    number: int
    cutoff: str
    kind: Literal["features", "answers"]
    frequency: str
    ds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()
    window_levels: tuple[float, ...] = ()
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OnlineTable:
    """One table, its arrays mapped from the disk.

    Parameters
    ----------
    arrays
        Of features: ``values`` (n, F) or (n, H, F). Of answers: ``mean`` (n, H), ``quantiles`` (n, H, Q) and, where
        windows were asked for, ``windows`` (n, W), ``window_mean`` (n, W), ``window_values`` (n, W, L) and
        ``methods`` (n,).
    """

    about: About
    ids: Sequence[str]
    arrays: Mapping[str, NDArray[Any]]

    def write(self, folder: Path, /) -> None:
        """Keep it in a folder that appears whole or not at all, in place of one that is there."""
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        (fresh / ABOUT).write_bytes(orjson.dumps(asdict(self.about)))
        (fresh / IDS).write_bytes(orjson.dumps(list(self.ids)))
        for name, values in self.arrays.items():
            np.save(fresh / f"{name}.npy", np.ascontiguousarray(values))
        if folder.exists():
            folder.rename(folder.with_name(f".{folder.name}.{os.getpid()}.old"))
        fresh.rename(folder)
        shutil.rmtree(folder.with_name(f".{folder.name}.{os.getpid()}.old"), ignore_errors=True)

    @classmethod
    def open(cls, folder: Path, /) -> OnlineTable:
        """The table in a folder; rows are read from the disk as they are asked for.

        Raises
        ------
        CorruptError
            A file is missing, or the arrays do not have a row for each id.
        """
        try:
            told: dict[str, Any] = orjson.loads((folder / ABOUT).read_bytes())
            told |= {name: tuple(told[name]) for name in _LISTS}
            about = About(**told)
            ids: list[str] = orjson.loads((folder / IDS).read_bytes())
            arrays = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in folder.glob("*.npy")}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CorruptError(f"{folder} cannot be read as an online table: {error}. Forecast again.") from error
        needed = "values" if about.kind == "features" else "mean"
        if needed not in arrays or any(len(values) != len(ids) for values in arrays.values()):
            raise CorruptError(f"{folder} does not hold one row for each of its {len(ids)} series; forecast again")
        return cls(about=about, ids=ids, arrays={name: np.asarray(values) for name, values in arrays.items()})

    def row_of(self, unique_id: str, /) -> int | None:
        """Row of a series; ``None`` where the table does not have it."""
        return self._rows.get(unique_id)

    def warm(self) -> None:
        """Build the look-up now rather than in the first request."""
        _ = self._rows

    @property
    def horizon(self) -> int:
        """Periods ahead it has rows for; 1 where features do not depend on the period."""
        main = self.arrays["mean"] if self.about.kind == "answers" else self.arrays["values"]
        return int(main.shape[1]) if self.about.kind == "answers" or main.ndim == 3 else 1

    @cached_property
    def step_of(self) -> Mapping[str, int]:
        """Place of each period."""
        return {ds: at for at, ds in enumerate(self.about.ds)}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {unique_id: at for at, unique_id in enumerate(self.ids)}


def newest_table(folder: Path, /) -> Path | None:
    """Of the tables of one version, named by their cutoffs, the newest; ``None`` where there is none."""
    found = [path for path in folder.glob("*") if not path.name.startswith(".") and (path / ABOUT).exists()]
    return max(found, default=None, key=lambda path: path.name)


def sweep_tables(folder: Path, /, *, keep: int = 3) -> None:
    """Remove all but the newest tables of one version; who has one open keeps reading it."""
    found = sorted(path for path in folder.glob("*") if not path.name.startswith("."))
    for old in found[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
