"""How far two samples are apart, in figures with an interval: shown beside alarms, never an alarm by themselves."""

from __future__ import annotations

from collections.abc import Callable

from finalmile.monitoring.effects.effect import Effect
from finalmile.monitoring.effects.pairs import Counted, Ordered, counted, ordered
from finalmile.monitoring.effects.registry import EffectSize, effects

__all__ = ["Counted", "Effect", "EffectSize", "Ordered", "counted", "effects", "ordered"]


def __getattr__(name: str) -> Callable[..., EffectSize]:
    """The registered class of that name, so that code writes what YAML names."""
    return effects.class_named(name)


def __dir__() -> list[str]:
    return [*__all__, *effects.class_names()]
