"""What a formula of inventory gives, as a report: all of them listed, one described, or one worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from finalmile.inventory.formulas import FORMULAS, formula, worked_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """Sentences, and the figures by name."""

    said: tuple[str, ...]
    answer: Mapping[str, object] = field(default_factory=dict[str, object])
    breached: bool = False

    def lines(self) -> tuple[str, ...]:
        """The sentences."""
        return self.said

    def to_dict(self) -> Mapping[str, object]:
        """The figures."""
        return self.answer


def work_out(name: str | None, given: Mapping[str, str]) -> Worked:
    """A formula's answer; what it takes, without numbers; all formulas, without a name."""
    if name is None:
        width = max(map(len, FORMULAS))
        return Worked(said=tuple(f"{one:<{width}}  {formula(one).about}" for one in FORMULAS))
    told = formula(name)
    if not given:
        may = (f"may take: {', '.join(told.may_take)}",) if told.may_take else ()
        return Worked(said=(told.about, f"needs: {', '.join(told.takes)}", *may))
    answer = worked_out(name, given)
    return Worked(said=tuple(f"{key} = {_text(value)}" for key, value in answer.items()), answer=answer)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        several: tuple[object, ...] = value  # pyright: ignore[reportUnknownVariableType]  # of any kind
        return ", ".join(_text(one) for one in several)
    return f"{value:.10g}" if isinstance(value, float) else str(value)
