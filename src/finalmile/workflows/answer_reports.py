"""What files of answers changed, and what somebody should look at."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from finalmile.records import Json, OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersTaken:
    """What a file of answers changed.

    Parameters
    ----------
    rows
        Lines that were changed, as they are now.
    answered
        Lines that the file says something of.
    breached
        Whether somebody has to act: a supplier means to send what was cancelled.
    """

    source: str
    rows: tuple[OrderLine, ...]
    answered: int
    notes: tuple[str, ...] = ()
    breached: bool = False

    def lines(self) -> list[str]:
        """How many lines were acknowledged and cancelled; each of up to ten; what somebody should look at."""
        gone = sum(line.state == "cancelled" for line in self.rows)
        said = f"{len(self.rows) - gone:,} acknowledged, {gone:,} refused"
        same = self.answered - len(self.rows)
        return [
            f"{self.source} answers {self.answered:,} lines: {said}, {same:,} as they were.",
            *(f"  {_told(line)}" for line in self.rows[:10]),
            *([f"  ... and {len(self.rows) - 10:,} more"] if len(self.rows) > 10 else []),
            *(f"note: {note}" for note in self.notes),
        ]

    def to_dict(self) -> Json:
        """Every line as it is now, and whether somebody has to act."""
        rows = [asdict(line) for line in self.rows]
        told = {"source": self.source, "answered": self.answered, "breached": self.breached}
        return {**told, "orders": rows, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesTaken:
    """What many files of answers changed, and which could not be taken in."""

    taken: tuple[AnswersTaken, ...]
    refused: tuple[str, ...] = ()

    @property
    def breached(self) -> bool:
        """Whether somebody has to act on one of them."""
        return bool(self.refused) or any(one.breached for one in self.taken)

    def lines(self) -> list[str]:
        """What each file changed, then what is wrong with the others."""
        return [*(line for one in self.taken for line in one.lines()), *self.refused]

    def to_dict(self) -> Json:
        """Both."""
        return {"taken": [one.to_dict() for one in self.taken], "refused": list(self.refused)}


def _told(line: OrderLine) -> str:
    return f"{line.order_id}  {line.unique_id}  {line.quantity:,}  due {line.due}  {line.state}"
