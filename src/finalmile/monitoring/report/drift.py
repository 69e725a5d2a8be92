"""The drift report: two samples, column by column."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from finalmile.errors import UnknownNameError
from finalmile.monitoring.checks.schema import SchemaCheck
from finalmile.monitoring.effects import Effect, effects
from finalmile.monitoring.effects.tables.domain_classifier import DomainClassifier, Separation
from finalmile.monitoring.profile.columns import Column
from finalmile.monitoring.profile.profile import Profile, exact_columns, series_of
from finalmile.monitoring.profile.slices import Source
from finalmile.monitoring.profile.sources import source_of
from finalmile.monitoring.report.columns import SHARES, ColumnReport, compared, one_sided
from finalmile.monitoring.report.junit import junit
from finalmile.monitoring.report.over_time import over_time
from finalmile.monitoring.report.page import drift_page
from finalmile.monitoring.report.telling import finding, no_rows, verdict
from finalmile.records import Finding

EXACT_ROWS = 2_000_000
"""Up to so many rows on each side, effect sizes come from the rows themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What moved between two samples; a notebook shows it as a page.

    Parameters
    ----------
    columns
        Most moved first; columns that cannot be compared come before all.
    schema, looks
        Findings about a side without rows and columns that are gone, new or of another type, and of the sequential
        detector.
    verdict
        In a few sentences: what moved, what is claimed, and what is not.
    """

    at: date | datetime
    reference_rows: int
    current_rows: int
    columns: tuple[ColumnReport, ...]
    schema: tuple[Finding, ...]
    looks: tuple[Finding, ...]
    separation: Separation | None
    verdict: str

    @property
    def findings(self) -> list[Finding]:
        """Everything as findings, as the daily look would tell it."""
        own = [finding(column, at=self.at) for column in self.columns]
        return [*self.schema, *self.looks, *own]

    @property
    def passed(self) -> bool:
        """Whether nothing is breached: no side empty, no column gone or retyped, no threshold passed, no alarm."""
        return not any(one.breached for one in self.findings)

    def to_frame(self) -> pl.DataFrame:
        """One row for each column and figure."""
        rows = [
            {"column": column.name, "type": column.current_type or column.reference_type, **_effect(effect)}
            for column in self.columns
            for effect in column.every
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "passed": self.passed,
            "verdict": self.verdict,
            "at": self.at.isoformat(),
            "rows": {"reference": self.reference_rows, "current": self.current_rows},
            "columns": [_column(column) for column in self.columns],
            "separation": None if self.separation is None else _plain(asdict(self.separation)),
            "findings": [_plain(asdict(one)) for one in self.findings],
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """The same as text; written to ``path`` where it is given."""
        return _written(json.dumps(self.to_dict(), indent=1, allow_nan=False), path)

    def to_html(self, path: str | Path | None = None) -> str:
        """One self-contained page; written to ``path`` where it is given."""
        page = drift_page(
            self.columns,
            [*self.schema, *self.looks],
            separation=self.separation,
            passed=self.passed,
            verdict=self.verdict,
        )
        return _written(page, path)

    def to_junit(self, path: str | Path | None = None) -> str:
        """For build servers: a failed test for each breach; written to ``path`` where it is given."""
        return _written(junit(self.findings, suite="finalmile drift report"), path)

    def _repr_html_(self) -> str:
        """What a notebook shows: the page in a frame of its own, so that its style stays inside."""
        page = escape(self.to_html(), quote=True)
        return f'<iframe srcdoc="{page}" title="Drift report" style="width:100%;height:640px;border:0"></iframe>'

    def __str__(self) -> str:
        """The verdict."""
        return self.verdict


def drift_report(
    reference: Any,
    current: Any,
    *,
    at: date | datetime,
    columns: Sequence[str] | None = None,
    time: str | None = None,
    sizes: Sequence[str] | None = None,
    thresholds: Mapping[str, float] | None = None,
    classifier: DomainClassifier | None = None,
) -> DriftReport:
    """How far every column of ``current`` is from ``reference``, in effect sizes with intervals.

    Nothing is an alarm unless a threshold is set: one sample against one reference has no history to calibrate an
    alarm on. With ``time``, looks of the reference are that history, and the sequential input check tells its evidence.

    Columns with faults never stop the others; what cannot be compared is told with its reason.

    Parameters
    ----------
    reference, current
        Anything that :meth:`~finalmile.monitoring.profile.Profile.of` reads. ``reference`` may be a profile: then
        ``current`` is read once, in bounded memory, and figures come with their error.
    columns
        Those to compare; all where ``None``.
    time
        Column that says when a row was; it must be in both, and both must fit into memory.
    sizes
        Names of effect sizes; all that are registered where ``None``.
    thresholds
        By effect size, or of ``missing``, ``outside`` and ``unseen`` shares: breached where even the low end of an
        interval reaches it.
    classifier
        Tells reference from current rows by all columns together; both must fit into memory.

    Raises
    ------
    MissingInputError
        Data cannot be read.
    UnknownNameError
        No effect size has that name, or neither side has the column ``time``.
    """
    limits = _limits(thresholds or {})
    pairs, rows = _pairs(reference, current, columns=columns, time=time)
    wanted = list(effects) if sizes is None else list(sizes)
    told = [_reported(one, other, wanted=wanted, thresholds=limits) for one, other in pairs]
    told.sort(key=lambda column: (-column.score, column.name))
    schema = {"reference": _types(told, reference=True), "current": _types(told, reference=False)}
    looks, looked = over_time(reference, current, time=time, columns=columns) if time is not None else ([], "")
    return DriftReport(
        at=at,
        reference_rows=rows[0],
        current_rows=rows[1],
        columns=tuple(told),
        schema=(
            *no_rows(rows, at=at),
            *SchemaCheck().compare(schema["reference"], schema["current"], subject="current rows", at=at),
        ),
        looks=tuple(looks),
        separation=_separation(classifier, reference, current, columns=columns, time=time),
        verdict=verdict(told, rows=rows, thresholds=bool(limits), looked=looked),
    )


def _pairs(
    reference: Any, current: Any, *, columns: Sequence[str] | None, time: str | None
) -> tuple[Iterator[tuple[Column | None, Column | None]], tuple[int, int]]:
    """Columns of both, side by side, one after another; and the rows of both."""
    if isinstance(reference, Profile):
        return _from_profile(reference, source_of(current), columns=columns, time=time)
    before, now = source_of(reference), source_of(current)
    if (before.rows or EXACT_ROWS + 1) > EXACT_ROWS or (now.rows or EXACT_ROWS + 1) > EXACT_ROWS:
        return _from_profile(Profile.of(reference), now, columns=columns, time=time)
    return _exact(before, now, columns=columns, time=time), (before.rows or 0, now.rows or 0)


def _from_profile(
    profile: Profile, current: Source, *, columns: Sequence[str] | None, time: str | None
) -> tuple[Iterator[tuple[Column | None, Column | None]], tuple[int, int]]:
    seen = profile.observe_source(current)
    names = dict.fromkeys(column.name for column in (*profile.columns, *seen.columns))
    pairs = ((profile.column(name), seen.column(name)) for name in names if _asked(name, columns, time))
    return pairs, (profile.rows, seen.rows)


def _exact(
    reference: Source, current: Source, *, columns: Sequence[str] | None, time: str | None
) -> Iterator[tuple[Column | None, Column | None]]:
    names = [name for name in dict.fromkeys([*reference.schema, *current.schema]) if _asked(name, columns, time)]
    sides = [exact_columns(source, [n for n in names if n in source.schema]) for source in (reference, current)]
    for name in names:
        yield (
            next(sides[0]) if name in reference.schema else None,
            next(sides[1]) if name in current.schema else None,
        )


def _asked(name: str, columns: Sequence[str] | None, time: str | None) -> bool:
    return name != time and (columns is None or name in columns)


def _reported(
    reference: Column | None, current: Column | None, *, wanted: Sequence[str], thresholds: Mapping[str, float]
) -> ColumnReport:
    if reference is not None and current is not None:
        return compared(reference, current, wanted=wanted, thresholds=thresholds)
    column = reference or current
    assert column is not None
    return one_sided(column, gone=current is None)


def _limits(thresholds: Mapping[str, float]) -> Mapping[str, float]:
    known = [*effects, *SHARES]
    for name in thresholds:
        if name not in known:
            raise UnknownNameError("effect size", name, known)
    return thresholds


def _types(columns: Sequence[ColumnReport], *, reference: bool) -> dict[str, str]:
    pairs = ((c.name, c.reference_type if reference else c.current_type) for c in columns)
    return {name: kind for name, kind in sorted(pairs) if kind}


def _separation(
    classifier: DomainClassifier | None,
    reference: Any,
    current: Any,
    *,
    columns: Sequence[str] | None,
    time: str | None,
) -> Separation | None:
    if classifier is None or isinstance(reference, Profile):
        return None
    before, now = source_of(reference), source_of(current)
    shared = [name for name in before.schema if name in now.schema and _asked(name, columns, time)]
    return classifier(series_of(reference, shared), series_of(current, shared))


def _column(column: ColumnReport) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "reference": {"type": column.reference_type, "rows": column.reference_rows, "told": column.reference_told},
        "current": {"type": column.current_type, "rows": column.current_rows, "told": column.current_told},
        "effects": [_effect(one) for one in column.every],
        "unseen": list(column.unseen_names),
        "note": column.note,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(asdict(effect))
    return plain


def _plain(value: Any) -> Any:
    """JSON's types only: no NaN, no infinity, dates as text."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text
