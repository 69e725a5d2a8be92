"""How good forecasts were, in figures that survive zeros, gaps and stock-outs."""

from __future__ import annotations

from collections.abc import Callable

from finalmile.metrics.registry import Metric, metrics, reasons, score
from finalmile.metrics.scales import NaiveScales, naive_scales
from finalmile.metrics.scored import Scored

__all__ = ["Metric", "NaiveScales", "Scored", "metrics", "naive_scales", "reasons", "score"]


def __getattr__(name: str) -> Callable[..., Metric]:
    """The registered class of that name, so that code writes what YAML names."""
    return metrics.class_named(name)


def __dir__() -> list[str]:
    return [*__all__, *metrics.class_names()]
