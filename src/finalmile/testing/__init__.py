"""What authors of plugins hold their work against."""

from finalmile.testing.metrics import AWKWARD_DEMAND, check_metric

__all__ = ["AWKWARD_DEMAND", "check_metric"]
