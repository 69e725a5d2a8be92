"""What the features are: fixed when the model is fitted, stored with it, the same at every prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from finalmile.forecasters.direct.calendar import calendar_names
from finalmile.forecasters.direct.reach import reach_of
from finalmile.frames import FloatArray, Frequency, IntArray, NameArray, Panel

_MOST_CODES = 100
PRICE = "price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Features by name.

    Parameters
    ----------
    frequency
        Of the panels it reads.
    codes
        Hierarchy columns with the values each had at fitting, sorted; a value seen later has no code.
    flags
        Covariates known ahead that take few values: promotion, event, holiday.
    prices
        Covariates read relative to their own recent mean, carried on from the last known value.
    carried
        Those of the prices that are not known ahead: their value at the origin stands for the periods after it.
    """

    frequency: Frequency
    codes: Mapping[str, tuple[str, ...]]
    flags: tuple[str, ...]
    prices: tuple[str, ...]
    carried: tuple[str, ...] = ()

    @classmethod
    def of(cls, panel: Panel, *, known_ahead: Sequence[str] | None = None) -> Schema:
        """Features that a panel allows.

        Parameters
        ----------
        known_ahead
            Covariates that will be known for the periods ahead; by default those of which the panel itself knows
            anything past its cutoff. Others are left out, but for ``price``, which is carried on.
        """
        told = [name for name, values in panel.covariates.items() if np.isfinite(values[:, panel.length :]).any()]
        ahead = sorted(told if known_ahead is None else set(known_ahead) & set(panel.covariates))
        few = [name for name in ahead if name != PRICE and _takes_few_values(panel.covariates[name])]
        many = [name for name in ahead if name not in few]
        prices = sorted({*many, *({PRICE} & set(panel.covariates))})
        carried = tuple(name for name in prices if name not in ahead)
        codes = {name: tuple(sorted({str(value) for value in values})) for name, values in panel.statics.items()}
        useful = {name: values for name, values in codes.items() if 2 <= len(values) <= _MOST_CODES}
        return cls(frequency=panel.frequency, codes=useful, flags=tuple(few), prices=tuple(prices), carried=carried)

    @property
    def groups(self) -> tuple[str, ...]:
        """Levels of the hierarchy whose totals give features; ``""`` is the whole fleet."""
        return ("", *self.codes)

    @property
    def origin_names(self) -> tuple[str, ...]:
        """Features that depend on the origin only."""
        means = [f"mean_{window}" for window in reach_of(self.frequency).windows]
        groups = [f"{part}_of_{group or 'all'}" for group in self.groups for part in ("pull", "drift")]
        plain = ["log_scale", "last", "variation", "zeros", "zeros_long", "age", "since_sale"]
        return (*plain, *means, *groups, *(f"code_{name}" for name in self.codes))

    @property
    def target_names(self) -> tuple[str, ...]:
        """Features that depend on the target period too."""
        reach = reach_of(self.frequency)
        phases = [f"phase_{season}_{count}" for season, counts in reach.phases for count in counts]
        of_groups = [f"phase_{season}_of_{group or 'all'}" for season, _ in reach.phases for group in self.groups]
        yearly = [f"year_of_{group or 'all'}" for group in (*self.groups, "series")] if reach.year else []
        flags = [f"{name}{when}" for name in self.flags for when in ("", "_next", "_before")]
        prices = [f"{name}_{kind}" for name in self.prices for kind in ("now", "to_recent", "to_year")]
        return ("ahead", *calendar_names(self.frequency), *phases, *of_groups, *yearly, *flags, *prices)

    def code(self, name: str, values: NameArray) -> FloatArray:
        """Number of each hierarchy value, NaN for one not seen at fitting."""
        known = {value: float(at) for at, value in enumerate(self.codes[name])}
        return np.array([known.get(str(value), np.nan) for value in values], dtype=np.float32)

    def to_json(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "frequency": str(self.frequency),
            "codes": {name: list(values) for name, values in self.codes.items()},
            "flags": list(self.flags),
            "prices": list(self.prices),
            "carried": list(self.carried),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, object]) -> Schema:
        """Again from :meth:`to_json`."""
        codes = cast("dict[str, list[str]]", told["codes"])
        return cls(
            frequency=Frequency.parse(str(told["frequency"])),
            codes={name: tuple(values) for name, values in codes.items()},
            flags=tuple(cast("list[str]", told["flags"])),
            prices=tuple(cast("list[str]", told["prices"])),
            carried=tuple(cast("list[str]", told["carried"])),
        )


def _takes_few_values(values: FloatArray) -> bool:
    some = values[:: max(1, len(values) // 500)]
    return len(np.unique(some[np.isfinite(some)])) <= 40


def rows_of(n: int, each: int) -> IntArray:
    """Row numbers 0, 0, ..., 1, 1, ...: every series ``each`` times."""
    return np.repeat(np.arange(n, dtype=np.int64), each)
