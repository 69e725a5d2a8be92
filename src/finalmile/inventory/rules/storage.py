"""Store no more than a location holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import IntArray
from finalmile.frames.rows import rows_by
from finalmile.inventory.proposal import Proposal
from finalmile.inventory.rationing import rationed
from finalmile.inventory.rule import Case, rules, told_with_cost
from finalmile.simulation import UnitsArray


@rules.add("storage")
@dataclass(frozen=True, kw_only=True)
class Storage:
    """Keep what is there, on its way and ordered within each location's capacity: the most valuable lots first.

    Counted as if nothing were sold until all of it has come, so it is never too much. The next lot goes to where it is
    expected to earn most for the room it takes, as with ``budget``.

    Parameters
    ----------
    capacity
        By ``location_id`` of items: most units, or most of whatever ``unit_volume`` of items is measured in. Locations
        that are not named hold anything.
    """

    capacity: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        wrong = {name: room for name, room in self.capacity.items() if not room >= 0}
        if wrong:
            name, room = next(iter(wrong.items()))
            raise ValueError(f"capacity of {name!r} is {room}; give the units or the volume it holds, at least 0")

    def __call__(self, wanted: Proposal, case: Case, /) -> Proposal:
        """What fits, location by location."""
        given: UnitsArray = wanted.quantity.copy()
        for name, here in rows_by(case.location).items():
            if name in self.capacity:
                _fit(given, case, here, name=name, room=self.capacity[name])
        return told_with_cost(
            wanted, case, "storage", quantity=given, formula="min(units, storage_units)", given={"storage_units": given}
        )


def _fit(given: UnitsArray, case: Case, here: IntArray, *, name: str, room: float) -> None:
    volume = _volume(case, here, name)
    left = max(room - float(np.sum(case.at.held[here] * volume[here])), 0.0)
    rows = here[(given[here] > 0) & (volume[here] > 0)]
    lots = case.lots(rows, most=given, worth=case.margin, size=volume)
    given[rows] = np.minimum(lots.units(rationed(lots, limit=left)), given[rows])


def _volume(case: Case, here: IntArray, name: str) -> UnitsArray:
    """Volume of a unit: 1 where no item of the location says anything."""
    unknown = np.isnan(case.unit_volume)
    if unknown[here].all():
        return np.ones(case.at.n)
    if unknown[here].any():
        names = ", ".join(repr(str(one)) for one in case.at.ids[here[unknown[here]]][:5])
        raise MissingInputError(
            f"some items at {name!r} have a unit_volume and {int(unknown[here].sum())} have none ({names}): give it "
            "for all of them, or for none to count units"
        )
    return case.unit_volume
