"""Where metrics register, and how several are computed at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from finalmile.metrics.scored import Scored
from finalmile.plugins import Registry


class Metric(Protocol):
    """One figure about forecasts that came true; never infinite, never NaN.

    ``undefined`` says in words when the figure is ``None``.
    """

    undefined: ClassVar[str]

    def __call__(self, scored: Scored, /) -> float | None:
        """The figure, or ``None`` where it is undefined."""
        ...


metrics: Registry[Metric] = Registry("metric", package="finalmile.metrics.measures")


def score(scored: Scored, names: Iterable[str]) -> dict[str, float | None]:
    """Metrics by name, each with its default settings.

    Raises
    ------
    UnknownNameError
        A name that no metric has; it suggests the nearest.

    Examples
    --------
    >>> import numpy as np
    >>> seen = Scored(actual=np.array([[1.0, 3.0]]), forecast=np.array([[2.0, 2.0]]))
    >>> score(seen, ["wape", "bias", "fva"])
    {'wape': 0.5, 'bias': 0.0, 'fva': None}
    """
    return {name: metrics.make(name)(scored) for name in names}


def reasons(values: dict[str, float | None]) -> dict[str, str]:
    """Why each undefined figure of :func:`score` is undefined.

    Examples
    --------
    >>> reasons({"wape": None, "bias": 0.1})
    {'wape': 'nothing was sold in the periods that count'}
    """
    return {name: metrics.make(name).undefined for name, value in values.items() if value is None}
