"""A figure over the looks, drawn small."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A figure over the looks, drawn small.

    Parameters
    ----------
    values
        One per look, oldest first; ``None`` where a look told nothing.
    limit
        What it is held against; ``None`` where there is nothing.
    name
        What it is: ``"evidence"`` or the unit of the value.
    """

    values: tuple[float | None, ...]
    limit: float | None
    name: str

    @property
    def empty(self) -> bool:
        """Whether fewer than two looks told anything."""
        return sum(value is not None for value in self.values) < 2

    def points(self, *, width: float = 120.0, height: float = 28.0) -> str:
        """Places of the values for an SVG line, missing ones left out.

        Examples
        --------
        >>> Course(values=(0.0, None, 4.0), limit=2.0, name="evidence").points(width=10, height=4)
        '0.0,4.0 10.0,0.0'
        """
        low, span = self._range()
        last = max(len(self.values) - 1, 1)
        return " ".join(
            f"{at * width / last:.1f},{height - (value - low) / span * height:.1f}"
            for at, value in enumerate(self.values)
            if value is not None
        )

    def limit_at(self, *, height: float = 28.0) -> float | None:
        """Where the limit lies from the top; ``None`` without one."""
        low, span = self._range()
        return None if self.limit is None else round(height - (self.limit - low) / span * height, 1)

    def _range(self) -> tuple[float, float]:
        known = [value for value in (*self.values, self.limit) if value is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        return low, (high - low) or 1.0
