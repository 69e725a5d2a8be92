"""Ways to decide what to order, one a file."""

from __future__ import annotations

from collections.abc import Callable

from finalmile.inventory.proposal import Policy, policies

__all__ = ["Policy", "policies"]


def __getattr__(name: str) -> Callable[..., Policy]:
    """The registered class of that name, so that code writes what YAML names."""
    return policies.class_named(name)


def __dir__() -> list[str]:
    return [*__all__, *policies.class_names()]
