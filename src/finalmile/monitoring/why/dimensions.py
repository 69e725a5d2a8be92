"""What rows can be told apart by: a category, or a number cut into ranges."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from finalmile.frames import BoolArray

Codes: TypeAlias = npt.NDArray[np.int32]
Doubles: TypeAlias = npt.NDArray[np.float64]


def inner(one: Doubles, two: Doubles, /) -> float:
    """Sum of products. BLAS would wake another thread for what takes half a millisecond."""
    return float(np.einsum("i,i->", one, two))


UNKNOWN = "unknown"
BEYOND = 1e100
"""No number of units, nor of anything that is measured: squares of such figures are infinite."""

_BINS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One attribute of every row, coded.

    Parameters
    ----------
    name
        ``"category"``, ``"store"``, ``"price"``.
    codes : array of shape (n,), int32
        Position of each row's value among ``labels``.
    labels
        The values, in words; the last one is ``"unknown"`` where some row's value is.
    edges
        Of a number: lower end of each range and upper end of the last, so that neighbouring ranges can be joined.
        Empty for a category.
    """

    name: str
    codes: Codes
    labels: tuple[str, ...]
    edges: tuple[float, ...] = ()

    @property
    def ordered(self) -> bool:
        """Whether neighbouring labels may be joined to a range."""
        return bool(self.edges)

    @property
    def ranges(self) -> int:
        """Labels that may be joined; the unknown one is left out."""
        return max(len(self.edges) - 1, 0)

    def take(self, rows: npt.NDArray[np.int64] | BoolArray) -> Dimension:
        """The same attribute of some rows."""
        return replace(self, codes=self.codes[rows])


def category(name: str, values: Sequence[object] | npt.NDArray[np.object_] | pl.Series) -> Dimension:
    """A dimension of named values, sorted; null and the empty text are ``"unknown"``.

    Examples
    --------
    >>> told = category("store", ["north", "south", None, "north"])
    >>> told.labels, told.codes.tolist()
    (('north', 'south', 'unknown'), [0, 1, 2, 0])
    """
    column = values if isinstance(values, pl.Series) else pl.Series(name, list(values), strict=False)
    text = column.cast(pl.String).replace("", None)
    known = [str(one) for one in text.drop_nulls().unique().sort()]
    labels = (*known, UNKNOWN) if text.null_count() and UNKNOWN not in known else tuple(known)
    codes = text.fill_null(UNKNOWN).cast(pl.Enum(list(labels))).to_physical() if labels else text.cast(pl.Int32)
    return Dimension(name=name, codes=codes.to_numpy().astype(np.int32), labels=labels)


def number(name: str, values: npt.NDArray[np.floating], /, *, like: BoolArray | None = None) -> Dimension:
    """A dimension of at most eight ranges that hold about equally many rows, or of each value where they are few.

    Parameters
    ----------
    values : array of shape (n,)
        NaN, infinite values and those of 1e100 and more are ``"unknown"``.
    like : array of shape (n,), bool
        Rows that the ranges are read off, for example those of the reference; all by default.

    Examples
    --------
    >>> number("price", np.array([1.0, 1.0, 2.5, np.nan])).labels
    ('1', '2.5', 'unknown')
    >>> number("price", np.arange(81.0)).labels[:2]
    ('below 10', '10 to 20')
    """
    known = np.abs(values) < BEYOND
    sample = values[known if like is None or not (known & like).any() else known & like]
    if not len(sample):
        return Dimension(name=name, codes=np.zeros(len(values), dtype=np.int32), labels=(UNKNOWN,))
    distinct = np.unique(values[known]) if len(values) <= 100_000 else np.unique(sample[:: len(sample) // 50_000 + 1])
    if len(distinct) <= _BINS:
        cuts = distinct[1:]
        labels = [f"{value:.6g}" for value in distinct]
    else:
        inner = np.quantile(sample.astype(np.float64), np.arange(1, _BINS) / _BINS)
        cuts = np.unique(_rounded(inner, span=float(np.ptp(sample))))
        labels = _range_labels(cuts)
    codes = np.where(known, np.searchsorted(cuts, np.where(known, values, 0.0), side="right"), len(labels))
    labels += [] if known.all() else [UNKNOWN]
    edges = (-np.inf, *cuts.tolist(), np.inf)
    return Dimension(name=name, codes=codes.astype(np.int32), labels=tuple(labels), edges=edges)


def _rounded(cuts: Doubles, *, span: float) -> Doubles:
    """Cuts that people would choose: as few digits as still tell them apart."""
    if not span > 0:
        return cuts
    digits = int(np.ceil(-np.log10(span))) + 2
    told: Doubles = np.round(cuts, digits)
    return told


def _range_labels(cuts: Doubles) -> list[str]:
    inner = [f"{low:.6g} to {high:.6g}" for low, high in itertools.pairwise(cuts.tolist())]
    return [f"below {cuts[0]:.6g}", *inner, f"{cuts[-1]:.6g} and more"]
