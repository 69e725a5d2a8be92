"""Every formula by name, its numbers read from text: what a planner types in a terminal."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any, get_type_hints

from finalmile.errors import UnknownNameError
from finalmile.inventory import (
    discounts,
    eoq,
    joint_replenishment,
    lot_sizing,
    min_max_levels,
    newsvendor,
    reorder_quantity,
    service_levels,
    supply_uncertainty,
    uncertain_yield,
)
from finalmile.inventory import distributions as laws
from finalmile.inventory.distributions import Distribution
from finalmile.inventory.safety_stock import cover

_KNOWN: tuple[Callable[..., Any], ...] = (
    eoq.economic_order_quantity, eoq.quantity_with_backorders, eoq.economic_production_quantity,
    discounts.all_units_discount, discounts.incremental_discount,
    newsvendor.newsvendor, newsvendor.newsvendor_profit, newsvendor.implied_stockout_cost,
    service_levels.base_stock_service, service_levels.fill_rate, service_levels.reorder_point_for_fill_rate,
    service_levels.cycle_service_for_fill_rate, service_levels.fill_rate_for_cycle_service, cover,
    reorder_quantity.exact, reorder_quantity.eoq_with_backorders, reorder_quantity.hadley_whitin,
    min_max_levels.exact, min_max_levels.power_approximation,
    lot_sizing.wagner_whitin, lot_sizing.silver_meal,
    joint_replenishment.joint_replenishment, joint_replenishment.silver_joint_replenishment,
    supply_uncertainty.quantity_with_disruptions, supply_uncertainty.base_stock_with_disruptions,
    uncertain_yield.quantity_with_additive_yield, uncertain_yield.quantity_with_multiplicative_yield,
)  # fmt: skip
_RENAMED: Mapping[Callable[..., Any], str] = {
    reorder_quantity.exact: "exact_reorder_quantity",
    min_max_levels.exact: "exact_min_max",
}
FORMULAS: Mapping[str, Callable[..., Any]] = {_RENAMED.get(one, one.__name__): one for one in _KNOWN}
_LAWS: Mapping[str, Callable[..., Distribution]] = {
    "poisson": laws.Poisson, "counts": laws.counts, "normal": laws.Normal, "gamma": laws.Gamma,
    "lognormal": laws.LogNormal, "uniform": laws.Uniform, "exponential": laws.Exponential,
    "geometric": laws.Geometric,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula: its name, what it answers in a sentence, and the names of what it takes."""

    name: str
    about: str
    takes: tuple[str, ...]
    may_take: tuple[str, ...]


def formula(name: str) -> Formula:
    """What a formula answers and takes; ``UnknownNameError`` for a name that none has.

    Examples
    --------
    >>> formula("economic_order_quantity").takes
    ('fixed_cost', 'holding_cost', 'demand_rate')
    """
    parts = _parts(_named(name))
    about = (inspect.getdoc(_named(name)) or "").split("\n\n")[0].replace("\n", " ")
    return Formula(
        name=name,
        about=re.sub(r":math:|[`*]", "", about).replace("\\ge", ">="),
        takes=tuple(one for one, (_, needed) in parts.items() if needed),
        may_take=tuple(one for one, (_, needed) in parts.items() if not needed),
    )


def worked_out(name: str, given: Mapping[str, str]) -> dict[str, object]:
    """The answer of a formula to numbers as text.

    Parameters
    ----------
    given
        Name to text: ``"0.25"``, ``"1/12"``, lists as ``"0,200,500"``, demand as ``"normal:100,30"``, ``"poisson:6"``,
        ``"counts:5,15"`` (mean and variance) or as chances of each number of units, ``"0:0.7,3:0.3"``.

    Raises
    ------
    UnknownNameError
        For a name that no formula has.
    ValueError
        For numbers that are missing, unknown, or that cannot be read.

    Examples
    --------
    >>> worked_out("all_units_discount", {"breakpoints": "0,200,500", "unit_costs": "500,475,450",
    ...     "fixed_cost": "200", "holding_cost_rate": "1/5", "demand_rate": "1000"})
    {'order_quantity': 500.0, 'region': 2, 'cost_rate': 472900.0}
    >>> worked_out("newsvendor", {"demand": "poisson:6", "holding_cost": "1", "stockout_cost": "4"})["base_stock_level"]
    8.0
    """
    function = _named(name)
    parts = _parts(function)
    unknown = sorted(given.keys() - parts.keys())
    missing = [one for one, (_, needed) in parts.items() if needed and one not in given]
    if unknown or missing:
        told = [f"{name} does not take {', '.join(unknown)}"] if unknown else []
        told += [f"{name} needs {', '.join(missing)} too"] if missing else []
        raise ValueError(f"{'; '.join(told)}; it takes {', '.join(parts)}")
    read = {one: _read(one, text, parts[one][0]) for one, text in given.items()}
    return _told(function(**_arguments(function, read)), name)


def _named(name: str) -> Callable[..., Any]:
    if name not in FORMULAS:
        raise UnknownNameError("formula", name, FORMULAS)
    return FORMULAS[name]


def _parts(function: Callable[..., Any]) -> dict[str, tuple[Any, bool]]:
    """What a function takes, costs one by one: name to type and whether it is needed."""
    hints = get_type_hints(function)
    told: dict[str, tuple[Any, bool]] = {}
    for name, one in inspect.signature(function).parameters.items():
        kind = hints[name]
        if is_dataclass(kind) and not hasattr(kind, "quantile"):
            told |= _parts(kind)  # type: ignore[arg-type]  # a class of costs
        else:
            told[name] = (kind, one.default is inspect.Parameter.empty)
    return told


def _arguments(function: Callable[..., Any], read: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(function)
    told: dict[str, Any] = {}
    for name in inspect.signature(function).parameters:
        kind = hints[name]
        if is_dataclass(kind) and isinstance(kind, type) and not hasattr(kind, "quantile"):
            told[name] = kind(**{one.name: read[one.name] for one in fields(kind) if one.name in read})
        elif name in read:
            told[name] = read[name]
    return told


def _read(name: str, text: str, kind: Any) -> Any:
    if hasattr(kind, "quantile") or "Distribution" in str(kind):
        return _demand(name, text, kind)
    if kind is bool:
        if text.lower() not in ("yes", "no", "true", "false"):
            raise ValueError(f"{name} is {text!r}; give yes or no")
        return text.lower() in ("yes", "true")
    if "Sequence" in str(kind):
        return [_number(name, one) for one in text.split(",")]
    return _number(name, text)


def _number(name: str, text: str) -> float:
    try:
        return float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{name} is {text!r}; give a number, for example 0.25 or 1/12") from None


def _demand(name: str, text: str, kind: Any) -> Distribution:
    law, _, rest = text.partition(":")
    if law.strip().isdigit():
        pairs = [one.partition(":") for one in text.split(",")]
        return laws.Pmf.of({int(_number(name, units)): _number(name, chance) for units, _, chance in pairs})
    if law not in _LAWS:
        raise ValueError(
            f"{name} is {text!r}; give {', '.join(f'{one}:...' for one in _LAWS)} or chances as 0:0.7,3:0.3"
        )
    numbers: Sequence[float] = [_number(name, one) for one in rest.split(",")]
    try:
        told = _LAWS[law](*numbers)
    except TypeError:
        wanted = ", ".join(inspect.signature(_LAWS[law]).parameters)
        raise ValueError(f"{name} is {text!r}; {law} takes {wanted}") from None
    if inspect.isclass(kind) and kind is laws.Normal and law != "normal":
        raise ValueError(f"{name} is {text!r}; this formula is for normal demand: normal:MEAN,SD")
    return told


def _told(answer: Any, name: str) -> dict[str, object]:
    if not is_dataclass(answer):
        return {name: answer}
    told = {one.name: getattr(answer, one.name) for one in fields(answer)}
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in told.items()}
