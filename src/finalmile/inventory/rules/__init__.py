"""What stands between a wish and an order, one rule a file."""

from __future__ import annotations

from collections.abc import Callable

from finalmile.inventory.rule import Case, Rule, rules

__all__ = ["Case", "Rule", "rules"]


def __getattr__(name: str) -> Callable[..., Rule]:
    """The registered class of that name, so that code writes what YAML names."""
    return rules.class_named(name)


def __dir__() -> list[str]:
    return [*__all__, *rules.class_names()]
