"""Population stability index on quantiles of the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.monitoring.effects.effect import Effect, Scale
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.monitoring.effects.registry import effects
from finalmile.monitoring.effects.shares import on_shares
from finalmile.monitoring.engine.design import Doubles

_SCALE = Scale(name="psi", unit="nats", cuts=(0.04, 0.25, 0.64))


@effects.add("psi")
@dataclass(frozen=True, slots=True, kw_only=True)
class PSI:
    r"""Population stability index: the symmetric relative entropy of shares in ranges of the reference.

    Ranges hold about equal counts of the reference, so a skewed column is judged where its rows are. Rows come at a
    price: without any difference it is about (ranges - 1)(1/n + 1/m), which is told as ``chance``. A range that is
    empty on one side counts as half a row there.

    .. math:: \sum_i (q_i - p_i) \ln(q_i / p_i)

    Parameters
    ----------
    bins
        Ranges of a number; categories are taken as they are.

    References
    ----------
    Yurdakul & Naranjo (2020), Statistical properties of the population stability index, Journal of Risk Model
    Validation 14(4).

    Examples
    --------
    >>> told = PSI()(Counted(reference=np.array([50.0, 50.0]), current=np.array([75.0, 25.0])))
    >>> round(told.value, 4)
    0.2747
    """

    ordered_only: ClassVar[bool] = False
    bins: int = 10
    threshold: float | None = None

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """The index; undefined where a side is empty."""
        return on_shares(
            pair,
            bins=self.bins,
            scale=_SCALE,
            value=lambda p, q: float(((q - p) * np.log(q / p)).sum()),
            gradient=_gradient,
            chance=lambda _, rows, cells: (cells - 1) * rows,
            threshold=self.threshold,
            smoothed=True,
        )


def _gradient(p: Doubles, q: Doubles, value: float) -> tuple[Doubles, Doubles]:
    del value
    return np.log(p / q) + 1 - q / p, np.log(q / p) + 1 - p / q
