"""Forecasters: the recipes that can be fitted, and what they give back."""

from __future__ import annotations

from collections.abc import Callable

from finalmile.ports import Forecaster, forecasters

__all__ = ["Forecaster", "forecasters"]


def __getattr__(name: str) -> Callable[..., Forecaster]:
    """The registered class of that name, so that code writes what YAML names."""
    return forecasters.class_named(name)


def __dir__() -> list[str]:
    return [*__all__, *forecasters.class_names()]
