"""What a policy proposes: a level and a quantity per item, with the numbers behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from finalmile.frames import IntArray, NameArray
from finalmile.inventory.demand import Demand
from finalmile.inventory.position import Position, protection_windows
from finalmile.inventory.steps import Step
from finalmile.plugins import Registry
from finalmile.records import Json
from finalmile.simulation import UnitsArray

DemandKind = Literal["cumulative", "point", "paths"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Orders of ``n`` items as a policy wants them and as the supplier's terms allow.

    Parameters
    ----------
    policy, settings
        Registered name and settings of the policy.
    window : array of shape (n,)
        Periods the order must last.
    level : array of shape (n,)
        Units on hand and on order to reach.
    expected : array of shape (n,)
        Expected demand over the window.
    raw : array of shape (n,)
        Units wanted before any rule, never negative; NaN where there is no forecast.
    quantity : array of shape (n,)
        Whole units to order.
    bound : array of shape (n,), str
        The rule that set the quantity last: ``""``, ``"moq"``, ``"pack_size"``, ``"max_stock"``, ``"no_forecast"``, or
        ``"not_stocked"`` for what costs more to stock than it brings.
    methods : array of shape (n,), str
        How each item's demand was forecast, as told by the forecast.
    details
        Further numbers by name, each of shape (n,), for the reason of a line.
    steps
        How the numbers follow from each other, up to the one called ``wanted``; see :mod:`finalmile.inventory.steps`.
    rules
        The steps of rules beyond the supplier's terms, in the order in which they were applied.
    unit_cost : array of shape (n,), or None
        Price of a unit in an order of ``quantity``; where not given, that of the position.
    """

    policy: str
    settings: Json
    window: IntArray
    level: UnitsArray
    expected: UnitsArray
    raw: UnitsArray
    quantity: UnitsArray
    bound: NameArray
    methods: NameArray
    details: Mapping[str, UnitsArray] = field(default_factory=dict[str, UnitsArray])
    steps: tuple[Step, ...] = ()
    rules: tuple[Step, ...] = ()
    unit_cost: UnitsArray | None = None

    def bounded(
        self,
        rule: str,
        /,
        *,
        quantity: UnitsArray,
        formula: str,
        given: Mapping[str, UnitsArray] | None = None,
    ) -> Proposal:
        """The proposal after one more rule, which is named where it changed a quantity.

        Parameters
        ----------
        rule
            What it is called, such as ``"budget"``.
        quantity : array of shape (n,)
            Units that the rule leaves.
        formula
            How they follow from ``units``, those before, and from numbers told; see :mod:`finalmile.inventory.steps`.
        given
            Further numbers that the formula names, each of shape (n,); NaN where there is none. A name that is taken
            already, as where a rule is applied twice, gets a number.
        """
        given, formula = _named_apart(given or {}, formula, taken=self.details)
        bound = self.bound.copy()
        bound[quantity != self.quantity] = rule
        return replace(
            self,
            quantity=quantity,
            bound=bound,
            details={**self.details, **given},
            rules=(*self.rules, Step(name="units", formula=formula, values=quantity, rule=rule)),
        )

    def unplanned(self, ids: NameArray) -> list[str]:
        """Items without a forecast, for which nothing can be proposed."""
        return [str(name) for name in ids[np.isnan(self.raw)]]


def _named_apart(
    given: Mapping[str, UnitsArray], formula: str, *, taken: Mapping[str, UnitsArray]
) -> tuple[dict[str, UnitsArray], str]:
    """The numbers and the formula, under names that are not taken."""
    names = {name: _free(name, taken) for name in given}
    for name, free in names.items():
        formula = re.sub(rf"\b{re.escape(name)}\b", free, formula)
    return {names[name]: values for name, values in given.items()}, formula


def _free(name: str, taken: Mapping[str, UnitsArray]) -> str:
    """The name, with the first number from 2 on that makes it free where it is taken."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


class Policy(Protocol):
    """Decides what to order. Registered under a name; its settings are its fields."""

    @property
    def needs(self) -> DemandKind:
        """Which form of demand it reads."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """Probabilities of demand over the window that it asks the forecast for."""
        ...

    def horizon(self, at: Position, /) -> int:
        """Periods of demand it looks ahead."""
        ...

    def __call__(self, at: Position, demand: Demand, /) -> Proposal:
        """The orders it would place now."""
        ...


@runtime_checkable
class AsksForWindows(Protocol):
    """A policy that reads demand over other windows too."""

    def windows(self, at: Position, /) -> IntArray:
        """Windows that it asks the forecast for, shape (n, w), at least 1 period each."""
        ...


def windows_for(policy: Policy, at: Position) -> IntArray:
    """Windows that a policy asks the forecast for, shape (n, w): the protection interval's unless it says otherwise."""
    return policy.windows(at) if isinstance(policy, AsksForWindows) else protection_windows(at)


@runtime_checkable
class LooksAhead(Protocol):
    """A policy that reads expected demand further ahead than an order must last."""

    def ahead(self, at: Position, /) -> IntArray:
        """Windows of which it reads the mean alone, shape (n, w), ascending; no forecast is asked for them."""
        ...


policies: Registry[Policy] = Registry("policy", package="finalmile.inventory.policies")
