"""Demand over a span as a distribution: how likely, how much would be short, how much left over."""

from finalmile.inventory.distributions.base import Distribution, complementary_loss
from finalmile.inventory.distributions.continuous import Exponential, Gamma, LogNormal, Normal, Uniform
from finalmile.inventory.distributions.counted import Geometric, NegativeBinomial, Poisson, counts
from finalmile.inventory.distributions.histogram import Pmf
from finalmile.inventory.distributions.percentiles import between_percentiles, sum_of_quantiles

__all__ = [
    "Distribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "LogNormal",
    "NegativeBinomial",
    "Normal",
    "Pmf",
    "Poisson",
    "Uniform",
    "between_percentiles",
    "complementary_loss",
    "counts",
    "sum_of_quantiles",
]
