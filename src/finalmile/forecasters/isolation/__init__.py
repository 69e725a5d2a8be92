"""A model in a process of its own, which can be ended at any instant: nothing it does reaches whoever asks."""

from finalmile.forecasters.isolation.process import Bounds, Process

__all__ = ["Bounds", "Process"]
