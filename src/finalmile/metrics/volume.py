"""Fast and slow sellers: classes by mean demand, so that an average cannot hide a failure in one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class VolumeClasses:
    """Quantile classes of mean demand per period, slowest first.

    Parameters
    ----------
    edges
        Upper bounds of every class but the last, ascending, in units per period. No edges make one class.

    Examples
    --------
    >>> classes = VolumeClasses.of_means(np.arange(1.0, 11.0))
    >>> classes.count
    5
    >>> classes.of(np.array([0.0, 3.5, 99.0, np.nan]))
    array([0, 1, 4, 0])
    """

    edges: tuple[float, ...]

    @classmethod
    def of_means(cls, means: npt.NDArray[np.floating[Any]], *, count: int = 5) -> VolumeClasses:
        """Classes that hold about the same number of these means each.

        Ties and repeated edges merge classes; NaN is left out; without a single finite mean there is one class.

        Parameters
        ----------
        means : array of any shape
            Mean demand per period of each series, taken from the calibration data only.
        """
        known = means[np.isfinite(means)].astype(np.float64)
        if known.size == 0:
            return cls(())
        cuts = np.quantile(known, np.arange(1, count) / count)
        return cls(tuple(sorted({float(cut) for cut in cuts if cut < known.max()})))

    @property
    def count(self) -> int:
        """How many classes there are."""
        return len(self.edges) + 1

    def of(self, mean: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
        """Class of each mean, 0 for the slowest; a mean on an edge is in the slower class, NaN is in the slowest."""
        filled = np.nan_to_num(mean.astype(np.float64), nan=-np.inf)
        return np.searchsorted(np.asarray(self.edges), filled, side="left").astype(np.int64)

    def to_list(self) -> list[float]:
        """The edges, ready for JSON."""
        return list(self.edges)

    @classmethod
    def from_list(cls, edges: Sequence[float]) -> VolumeClasses:
        """Classes again from :meth:`to_list`; raises ``ValueError`` where the edges do not ascend."""
        bounds = tuple(float(edge) for edge in edges)
        if any(low >= high for low, high in pairwise(bounds)):
            raise ValueError(f"volume class edges {bounds} must ascend strictly")
        return cls(bounds)
