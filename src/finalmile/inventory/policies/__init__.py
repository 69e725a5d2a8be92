"""Ways to decide what to order, one a file."""

from finalmile.inventory.proposal import policies

__all__ = ["policies"]
