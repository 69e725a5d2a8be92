"""Settings of plugins: values of another type are refused by name, before the plugin works with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from finalmile.plugins import Registry


@dataclass(frozen=True, kw_only=True)
class Plugin:
    share: float = 0.5
    periods: int = 2
    cost: float | None = None
    way: Literal["up", "down"] = "up"
    name: str = ""
    loud: bool = False
    levels: tuple[float, ...] = ()


REGISTRY: Registry[Plugin] = Registry("gadget")
REGISTRY.add("one")(Plugin)


@pytest.mark.parametrize(
    "settings",
    [
        {"share": 1}, {"share": np.float32(0.5)}, {"share": float("inf")}, {"periods": np.int64(3)}, {"cost": None},
        {"cost": 2}, {"way": "down"}, {"name": "x"}, {"loud": True}, {"levels": [0.5, 0.9]},
    ],
)  # fmt: skip
def test_values_of_the_right_type_are_taken(settings: dict[str, object]) -> None:
    ((name, value),) = settings.items()
    assert getattr(REGISTRY.make("one", **settings), name) == value


@pytest.mark.parametrize(
    ("settings", "right"),
    [
        ({"share": "high"}, "a number"),
        ({"share": True}, "a number"),
        ({"share": float("nan")}, "a number"),
        ({"share": None}, "a number"),
        ({"share": [0.9]}, "a number"),
        ({"periods": 2.5}, "a whole number"),
        ({"cost": "2"}, "a number or nothing (null)"),
        ({"way": "left"}, "one of 'up', 'down'"),
        ({"name": 3}, "text"),
        ({"loud": "yes"}, "yes or no"),
    ],
)
def test_values_of_another_type_are_refused_with_what_would_be_right(settings: dict[str, object], right: str) -> None:
    ((name, value),) = settings.items()
    with pytest.raises(ValueError, match="setting") as told:
        REGISTRY.make("one", **settings)
    assert str(told.value) == f"setting {name!r} of gadget 'one' is {value!r}; it must be {right}"
