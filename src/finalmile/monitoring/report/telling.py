"""What changed, in sentences and findings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from finalmile.monitoring.effects import Effect
from finalmile.monitoring.report.columns import ColumnReport
from finalmile.records import Finding

CHECK = "drift_report"
_NAMED = 5


def finding(column: ColumnReport, *, at: date | datetime) -> Finding:
    """One column as a finding; breached only where a threshold that a user set is passed."""
    told = column.headline
    return Finding(
        check=CHECK,
        subject=f"column {column.name}",
        at=at,
        value=None if told is None else told.value,
        benchmark=None if told is None else told.chance,
        effect=None if told is None else told.value,
        unit="" if told is None else told.unit,
        n=column.current_rows,
        breached=column.breached,
        severity="warning" if column.breached or not _comparable(column) else "info",
        why=sentence(column),
    )


def no_rows(rows: tuple[int, int], *, at: date | datetime) -> list[Finding]:
    """A breach for each side that has no rows at all: nothing can be said of it, and nothing must pass for fine."""
    return [
        Finding(
            check=CHECK,
            subject=f"{side} rows",
            at=at,
            value=0.0,
            benchmark=None,
            unit="rows",
            breached=True,
            severity="critical",
            why=f"There are no {side} rows, so nothing could be compared: see that they are sent.",
        )
        for side, count in zip(("reference", "current"), rows, strict=True)
        if not count
    ]


def sentence(column: ColumnReport) -> str:
    """What changed in a column, as one would say it.

    Examples
    --------
    >>> sentence(ColumnReport(name="price", kind="number", reference_type="Float64", current_type="",
    ...                       note="is gone from the current data"))
    'price is gone from the current data.'
    """
    if column.note:
        return f"{column.name} {column.note}."
    if column.headline is None:
        return f"{column.name} is {column.current_type}: told by its range and missing rows only."
    parts = [_moved(column, column.headline), *_shares(column)]
    past = [
        f"{one.name} {one.value:.3g} is past its threshold {one.threshold:g}" for one in column.every if one.breached
    ]
    return f"{column.name}: {'; '.join([*parts, *past])}."


def size_word(effect: Effect) -> str:
    """The size of an effect in a word."""
    return "no more than chance" if effect.size == "none" and not effect.low else effect.size


def _moved(column: ColumnReport, told: Effect) -> str:
    if told.value is None:
        return told.why
    if told.size == "none" and not told.low:
        return f"no difference beyond chance ({told.value:.1%} of rows elsewhere, {told.chance:.1%} by chance alone)"
    word = "a negligible" if told.size == "none" else f"a {told.size}"
    change = f", from {column.reference_told} to {column.current_told}" if column.reference_told else ""
    return f"{told.value:.1%} of rows are elsewhere ({told.low:.1%} to {told.high:.1%}), {word} change{change}"


def _shares(column: ColumnReport) -> list[str]:
    said: list[str] = []
    for one, words in (
        (column.missing, "missing rows changed by {:.1%} of rows"),
        (column.outside, "{:.2%} of rows are beyond the range of the reference"),
        (column.unseen, "{:.2%} of rows have values never seen before (" + ", ".join(column.unseen_names) + ")"),
    ):
        if one is not None and one.value and one.value >= 0.00005 and (one.low or column.unseen is one):
            said.append(words.format(one.value))
    return said


def _comparable(column: ColumnReport) -> bool:
    """Whether both sides have values that can be held against each other; times, which have no size, count as such."""
    return not column.note and (column.headline is None or column.headline.value is not None)


def _first_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def verdict(columns: Sequence[ColumnReport], *, rows: tuple[int, int], thresholds: bool, looked: str) -> str:
    """What the report claims, and what it does not."""
    judged = [column for column in columns if column.headline is not None and column.headline.value is not None]
    moved = [column for column in judged if column.headline is not None and column.headline.size not in ("none",)]
    odd = [column.name for column in columns if not _comparable(column)]
    past = [f"{column.name} ({one.name} {one.value:.3g}, {one.threshold:g} was set)"
            for column in columns for one in column.every if one.breached]  # fmt: skip
    head = f"{len(moved)} of {len(judged)} columns moved by a small effect or more"
    head += f", most {moved[0].name} ({moved[0].headline.value:.1%} of rows)" if moved and moved[0].headline else ""
    tail = f"; {len(odd)} could not be compared: {_first_of(odd)}" if odd else ""
    tail += f"; past a threshold: {_first_of(past)}" if past else ""
    claim = (
        "Intervals hold if rows are independent (95 % for each figure). "
        "One sample against one reference has no history, so nothing here is a calibrated alarm"
    )
    asked = ", though thresholds that you set are judged by the low end of each interval" if thresholds else ""
    seen = looked or f"{claim}{asked}; give a time column to have the evidence of every look."
    return f"{head}{tail}. {rows[0]:,} reference and {rows[1]:,} current row{'' if rows[1] == 1 else 's'}. {seen}"
