"""The frames that pass between stages: periods, panels, forecasts, and the schemas of long frames."""

from finalmile.frames.forecast import Cumulative, Forecast, OneStep, quantile_column, same_windows
from finalmile.frames.panel import BoolArray, FloatArray, NameArray, Panel, panel_from_sales
from finalmile.frames.periods import Frequency, IntArray, detect
from finalmile.frames.rising import rising_windows

__all__ = [
    "BoolArray",
    "Cumulative",
    "FloatArray",
    "Forecast",
    "Frequency",
    "IntArray",
    "NameArray",
    "OneStep",
    "Panel",
    "detect",
    "panel_from_sales",
    "quantile_column",
    "rising_windows",
    "same_windows",
]
