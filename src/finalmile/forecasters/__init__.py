"""Forecasters: the recipes that can be fitted, and what they give back.

Importing it imports nothing else: a process that only loads one model pays for no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finalmile.ports import Forecaster, forecasters

__all__ = ["Forecaster", "forecasters"]


def __getattr__(name: str) -> object:
    """The registry, the protocol, or the registered class of that name, so that code writes what YAML names."""
    from finalmile import ports

    return getattr(ports, name) if name in __all__ else ports.forecasters.class_named(name)


def __dir__() -> list[str]:
    from finalmile import ports

    return [*__all__, *ports.forecasters.class_names()]
