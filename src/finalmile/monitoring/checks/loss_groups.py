"""The loss check of groups: which category, store or kind of product is forecast worse than it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray
from finalmile.monitoring.engine import Bets, e_bh
from finalmile.monitoring.engine.alarmed import LEAST_LOOKS, Alarmed
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss import grouped
from finalmile.monitoring.loss.grouped import Groups, GroupState
from finalmile.monitoring.loss.levels import follow
from finalmile.monitoring.loss.state import LossLook, LossReference
from finalmile.monitoring.loss.streams import row_means, without_outliers
from finalmile.monitoring.loss.told_groups import findings
from finalmile.monitoring.registry import checks
from finalmile.records import Finding


@checks.add("loss_groups")
@dataclass(frozen=True, slots=True, kw_only=True)
class LossGroupsCheck:
    """Watches WAPE and forecast over sold of every group, after what all groups of an attribute share is taken out.

    Products count by how evenly they sell, so that a best seller that leaps about does not hide what all others do.
    The shared part is the weighted median of the groups' shifts, from three groups on; with two, nothing is taken out.
    Groups in alarm are chosen by e-d-BH over all groups and both figures: false names over looks to a name are at most
    ``fdr / patience``, whatever the dependence between groups. Approximately, for what is normal is estimated.

    Parameters
    ----------
    tolerance, bias_tolerance
        Rise of WAPE, and shift of forecast over sold either way, that are no harm, as ratios.
    fdr, patience
        As said above.
    recovery
        Looks that the recent mean goes back, which ends an alarm.
    least_groups, most_groups
        An attribute with fewer or more values is not grouped by.
    """

    tolerance: float = 0.10
    bias_tolerance: float = 0.05
    fdr: float = 0.10
    patience: int = 28
    recovery: int = 14
    least_groups: int = 2
    most_groups: int = 200
    bets: Bets = field(default_factory=lambda: Bets(standard_errors=1.0))

    def __post_init__(self) -> None:
        if not 0 < self.fdr < 1 or min(self.tolerance, self.bias_tolerance) < 0:
            raise ValueError("fdr must be in (0, 1) and tolerances at least 0")
        if min(self.patience, self.recovery, self.least_groups) < 1:
            raise ValueError("patience, recovery and least_groups must each be at least 1")

    def start(self, reference: LossReference, *, groups: Groups) -> GroupState:
        """Learn what is normal for each group; ``groups`` tells of each of the reference's products.

        Raises
        ------
        MissingInputError
            No attribute has a usable number of values, or fewer than 20 periods can be judged.
        """
        chosen = grouped.groupable(groups, least=self.least_groups, most=self.most_groups)
        known = np.isfinite(reference.actual) & np.isfinite(reference.forecast)
        if not chosen or int(known.any(axis=0).sum()) < LEAST_LOOKS:
            raise MissingInputError(
                f"groups need an attribute of the items with {self.least_groups} to {self.most_groups} values, and "
                f"{LEAST_LOOKS} periods of forecasts and actuals before a version goes live; here are the attributes "
                f"{list(groups)} and {int(known.any(axis=0).sum())} periods: add a column to the items, or certify "
                "on a longer holdout"
            )
        attribute, name = grouped.groups_of(groups, chosen=chosen)
        inside = grouped.members(groups, attribute, name, n=len(reference.ids))
        counts = grouped.counts_of(reference.actual, reference.forecast)
        even = grouped.group_sums(inside * counts, reference.actual, reference.forecast)
        wape, units = grouped.normal_of(even[0], even[1], even[3])
        raw = without_outliers(grouped.raw_streams(*even, wape=wape, units=units))
        error, sold, forecast, n = grouped.group_sums(inside, reference.actual, reference.forecast)
        usual, weight = row_means(raw), grouped.weights_of(raw)
        streams = Alarmed.start(
            grouped.without_shared(raw, attribute, usual=usual, weight=weight),
            first=reference.first,
            frequency=reference.frequency,
            tolerance=np.tile(np.log1p([self.tolerance, self.bias_tolerance]), len(name)),
            bets=self.bets,
            only_rises=np.tile([True, False], len(name)),
            calendar=reference.calendar,
            least_sd=0.01,
        )
        each = np.maximum((n > 0).sum(axis=1), 1)
        recent = np.column_stack([error.sum(axis=1) / each, sold.sum(axis=1) / each, forecast.sum(axis=1) / each])
        return GroupState(
            attribute=attribute,
            name=name,
            size=inside.sum(axis=1).astype(np.int64),
            wape=wape,
            units=units,
            usual=usual,
            weight=weight,
            streams=streams,
            ids=reference.ids,
            counts=counts,
            recent=np.hstack([recent, np.full((len(name), 2), np.nan)]),
        )

    def update(self, state: GroupState, look: LossLook, *, groups: Groups) -> tuple[GroupState, list[Finding]]:
        """Judge one more period; ``groups`` tells of each product of the look.

        Groups that the reference did not know are left out. A look that is not after the last changes nothing.
        """
        if look.period <= state.streams.last:
            return state, []
        inside = grouped.members(groups, state.attribute, state.name, n=len(look.ids))
        actual, forecast = look.actual.astype(np.float64), look.forecast.astype(np.float64)
        counts = grouped.counts_for(state, look.ids)
        even = grouped.group_sums(inside * counts, actual[:, None], forecast[:, None])
        raw = grouped.raw_streams(*even, wape=state.wape, units=state.units)
        sums = grouped.group_sums(inside, actual[:, None], forecast[:, None])
        left = grouped.without_shared(raw, state.attribute, usual=state.usual, weight=state.weight)[:, 0]
        known = state.streams.learned

        def named(log_e: Doubles) -> BoolArray:
            return e_bh(np.where(known, log_e, np.nan), alpha=self.fdr, patience=self.patience)

        streams = state.streams.step(look.period, left, rule=named, span=self.recovery, calendar=look.calendar)
        day = np.column_stack([*(one[:, 0] for one in sums[:3]), *_money(look, inside, actual, forecast)])
        day[sums[3][:, 0] == 0] = np.nan
        moved = replace(state, streams=streams, recent=_follow(state.recent, day, span=self.recovery))
        return moved, findings(moved, fdr=self.fdr, patience=self.patience)

    def acknowledge(self, state: GroupState, subjects: Sequence[str]) -> GroupState:
        """End alarms by hand; subjects are those of the findings, ``"category drinks"``."""
        names = [f"{a} {b}" for a, b in zip(state.attribute.tolist(), state.name.tolist(), strict=True)]
        rows = [2 * g + kind for g, name in enumerate(names) if name in subjects for kind in (0, 1)]
        streams = state.streams.restarted(np.array(rows, dtype=np.int64), at=state.streams.last)
        return replace(state, streams=streams)

    def resume(self, state: GroupState, *, last: int) -> GroupState:
        """The state of a version that was not live up to and including period ``last``: evidence starts anew."""
        return replace(state, streams=state.streams.resumed(last)) if last > state.streams.last else state


def _money(look: LossLook, inside: BoolArray, actual: Doubles, forecast: Doubles) -> tuple[Doubles, Doubles]:
    """Money of |error| and of forecast minus sold of each group; NaN without prices."""
    nothing = np.full(len(inside), np.nan)
    if look.value_per_unit is None:
        return nothing, nothing
    cost = (forecast - actual) * look.value_per_unit
    signed = np.where(np.isfinite(cost), cost, 0.0)
    of = inside.astype(np.float64)
    return of @ np.abs(signed), of @ signed


def _follow(before: Doubles, day: Doubles, *, span: int) -> Doubles:
    return np.where(np.isfinite(before), follow(before, day, span=span), day)
