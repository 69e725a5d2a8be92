"""The steps from what is known of an item to the units that are ordered, each to be followed by hand.

A policy tells its steps in ``Proposal.steps``, up to the number called ``wanted``; the supplier's terms follow, and a
rule that comes after them is added with ``Proposal.bounded``. From there on the running number is called ``units``:

>>> step = Step(name="wanted", formula="max(0, level - on_hand - on_order)", values=np.array([9.0]))
>>> chains([step], [0])
[[{'name': 'wanted', 'formula': 'max(0, level - on_hand - on_order)', 'value': 9.0}]]

A rule that caps an order, such as a budget that leaves room for 6 units:

    proposal.bounded("budget", quantity=capped, formula="min(units, budget_units)", given={"budget_units": room})

A formula names numbers that the line tells: settings, details, what was given, and the results of steps before. It may
use ``+ - * /``, comparisons, ``max``, ``min``, ``sqrt``, ``round_up``, ``round_down``, ``round_half_even``,
``if(condition, then, else)``; where a policy tells :func:`law_numbers`, ``quantile(p)``, ``short(units)`` and
``least_stock(short)``; where it tells the same numbers with ``before_`` too, ``least_stock_after(short)``, the least
stock at which no more becomes short than was short before; and where it tells ``tried_0, cost_0, tried_1, ...``,
``cheapest()``, the first order that no later one undercuts by more than 0.000000001; where it tells ``tried_0,
fill_rate_0, tried_1, ...`` or ``cycle_service_0``, ``first_to_reach(share)``, the first level that reaches a share, or
where none does the first of those with the highest. Nothing else, so that what is
printed is enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from finalmile.frames import IntArray
from finalmile.records import Json
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of ``n`` items.

    Parameters
    ----------
    name
        Of the number it gives; ``"units"`` for a rule, which gives the running number anew.
    formula
        How it comes from numbers told before.
    values : array of shape (n,)
        The number; NaN where the step is not taken.
    rule
        What bound the quantity where the running number changed.
    """

    name: str
    formula: str
    values: UnitsArray
    rule: str = ""


def chains(steps: Sequence[Step], rows: Sequence[int]) -> list[list[Json]]:
    """The steps that were taken for each of some items: a rule only where it changed the running number.

    Examples
    --------
    >>> whole = Step(name="units", formula="round_up(wanted)", values=np.array([5.0, 8.0]))
    >>> moq = Step(name="units", formula="max(units, moq)", values=np.array([6.0, 8.0]), rule="moq")
    >>> [len(told) for told in chains((whole, moq), (0, 1))]
    [2, 1]
    """
    told: list[list[Json]] = [[] for _ in rows]
    running = [nan] * len(rows)
    at = np.asarray(rows, dtype=np.int64)
    for step in steps:
        told_of = {"name": step.name, "formula": step.formula}
        rule = {"rule": step.rule} if step.rule else {}
        values: list[float] = step.values[at].tolist()
        for k, value in enumerate(values):
            if value != value or (rule and value == running[k]):
                continue
            told[k].append({**told_of, "value": value, **rule})
            if step.name == "units":
                running[k] = value
    return told


def law_numbers(
    knots: UnitsArray, *, levels: UnitsArray, weights: UnitsArray, windows: IntArray | None = None
) -> Mapping[str, UnitsArray]:
    """The quantiles that a distribution of demand was read from, by name, for the details of a proposal.

    Parameters
    ----------
    knots : array of shape (n, w, k)
        Quantiles of the demand over each window that the interval may turn out to be.
    levels : array of shape (k,)
    weights : array of shape (n, w)
        Probability of each window.
    windows : array of shape (n, w)
        Periods of each.

    Returns
    -------
    Mapping
        ``q50 ... q99`` where there is one window; else ``w1_share, w1_q50, ...``, NaN for windows of no weight, and
        ``w1_periods, ...`` where they were given.

    Examples
    --------
    >>> one = law_numbers(np.array([[[4.0, 8.0]]]), levels=np.array([0.5, 0.9]), weights=np.array([[1.0]]))
    >>> {name: values.tolist() for name, values in one.items()}
    {'q50': [4.0], 'q90': [8.0]}
    """
    count = weights.shape[1]
    if count == 1:
        return {f"q{100 * level:g}": knots[:, 0, k] for k, level in enumerate(levels.tolist())}
    told: dict[str, UnitsArray] = {}
    for w in range(count):
        used = weights[:, w] > 0
        if windows is not None:
            told[f"w{w + 1}_periods"] = np.where(used, windows[:, w], np.nan)
        told[f"w{w + 1}_share"] = np.where(used, weights[:, w], np.nan)
        for k, level in enumerate(levels.tolist()):
            told[f"w{w + 1}_q{100 * level:g}"] = np.where(used, knots[:, w, k], np.nan)
    return told
