"""A simulated retailer whose true demand is known."""

from finalmile.sandbox.regime import RegimeChange
from finalmile.sandbox.retailer import Retailer
from finalmile.sandbox.world import World

__all__ = ["RegimeChange", "Retailer", "World"]
