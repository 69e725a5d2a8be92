"""How good forecasts were, in figures that survive zeros, gaps and stock-outs."""

from finalmile.metrics.registry import Metric, metrics, reasons, score
from finalmile.metrics.scales import NaiveScales, naive_scales
from finalmile.metrics.scored import Scored

__all__ = ["Metric", "NaiveScales", "Scored", "metrics", "naive_scales", "reasons", "score"]
