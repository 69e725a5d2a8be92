"""One verb that makes a frame what its kind must be, or says everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl

from finalmile.errors import SchemaError, UnknownNameError
from finalmile.frames import rules
from finalmile.frames.casting import Cast, has_decimal_commas
from finalmile.frames.dialects import Kind, meant, quantile_level, synonyms, translate
from finalmile.frames.faults import Faults
from finalmile.frames.grid import fit_to_grid
from finalmile.frames.periods import Frequency
from finalmile.frames.roles import Role, as_covariate, first_seen, role_of, typed
from finalmile.frames.specs import SPECS, Column

_ZONES_AHEAD = timedelta(hours=14)  # somewhere on earth it is already that late
_OLDEST = datetime(1950, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A frame that is as its kind must be, and what was decided on the way.

    Parameters
    ----------
    frame
        The rows, sorted by key, without repeats.
    frequency
        Period length, ``None`` where the kind has none or fewer than two stamps do not tell.
    covariates
        Columns kept beside the rows that nobody declared.
    hierarchy
        For sales, ``unique_id`` and its attributes as first seen; no columns but ``unique_id`` where there are none.
    notes
        What was accepted and how, one sentence each.
    """

    kind: Kind
    frame: pl.DataFrame
    frequency: Frequency | None
    covariates: tuple[str, ...] = ()
    hierarchy: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"unique_id": pl.String}))
    notes: tuple[str, ...] = ()


def clean(
    kind: Kind,
    frame: pl.DataFrame,
    *,
    source: str,
    now: datetime,
    columns: Mapping[str, str] | None = None,
    frequency: Frequency | None = None,
    known: Mapping[str, Role] | None = None,
    cast: Cast | None = None,
    untyped: bool = False,
    sparse: bool = False,
    parts: Sequence[tuple[str, int]] = (),
) -> Cleaned:
    """The frame as its kind must be; raised once with every fault otherwise.

    Parameters
    ----------
    source
        What messages call it: a file name.
    now
        Current instant, aware; rows that lie after it are faults where the kind tells of the past.
    columns
        Our name to theirs, where they differ: ``{"y": "units", "unique_id": "sku+store"}``.
    frequency
        Period length where it is known; detected otherwise.
    known
        Roles of undeclared columns, as decided before or by the user.
    cast
        How dates and numbers written as text are read.
    untyped
        The frame comes from a file without types, such as CSV.
    sparse
        Periods in which nothing sold are left out, so do not look for mixed frequencies.
    parts
        Name and rows of each file the frame was put together from.

    Raises
    ------
    SchemaError
        With all faults, each naming column, rows and mend.
    """
    if kind not in SPECS:
        raise UnknownNameError("kind of table", kind, SPECS)
    job = _Job(
        kind=kind,
        now=now,
        how=cast or Cast(),
        known=known or {},
        untyped=untyped,
        faults=Faults(source=source, rows=len(frame), parts=parts),
    )
    told = job.translated(frame, columns or {})
    kept = job.declared(told)
    extras, roles = job.undeclared(told, ids=kept["unique_id"] if "unique_id" in kept.columns else kept.to_series())
    places = [name for name, role in roles.items() if role == "hierarchy"]
    kept = rules.apply(kind, kept.hstack(extras), faults=job.faults, notes=job.notes)
    keys = _keys(kind, kept, places)
    fitted, frequency = fit_to_grid(
        kept,
        keys=keys,
        forecast=kind == "forecasts",
        frequency=frequency,
        sparse=sparse,
        faults=job.faults,
        notes=job.notes,
    )
    job.stop()
    hierarchy = first_seen(fitted, places, notes=job.notes) if kind == "sales" else fitted.select(keys[0]).clear()
    return Cleaned(
        kind=kind,
        frame=fitted.drop(name for name in places if name not in keys and SPECS[kind].extras == "row"),
        frequency=frequency,
        covariates=tuple(name for name in extras.columns if name not in places),
        hierarchy=hierarchy,
        notes=tuple(job.notes),
    )


def _keys(kind: Kind, frame: pl.DataFrame, places: Sequence[str]) -> tuple[str, ...]:
    """Columns that name a row; a table of the future may speak of a whole region, or of everything."""
    if kind == "future" and "unique_id" not in frame.columns:
        return (*places, "ds")
    if kind == "forecasts":
        return tuple(key for key in SPECS[kind].keys if key in frame.columns)
    return SPECS[kind].keys


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    kind: Kind
    now: datetime
    how: Cast
    known: Mapping[str, Role]
    untyped: bool
    faults: Faults
    notes: list[str] = field(default_factory=list[str])

    def stop(self) -> None:
        if self.faults.found:
            raise SchemaError(self.faults.source, self.faults.found)

    def translated(self, frame: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
        """Under our names; an empty frame or an absent column leaves nothing else to look at."""
        if frame.is_empty():
            self.faults.say("rows", "there are none", mend="give at least one row of data below the header")
            self.stop()
        spec = SPECS[self.kind]
        wanted = tuple(spec.columns)
        told = translate(self.kind, frame, wanted=wanted, columns=columns, faults=self.faults, notes=self.notes)
        for name, column in spec.columns.items():
            if column.needed and name not in told.columns and not any(f.startswith(name) for f in self.faults.found):
                names = ", ".join((name, *synonyms(name, kind=self.kind)))
                there = ", ".join(told.columns)
                self.faults.say(
                    name,
                    f"the column is missing (there are: {there})",
                    mend=f"name one of {names}, or say which it is: columns={{{name!r}: ...}} (--column {name}=...)",
                )
        self.stop()
        return told

    def declared(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns of the kind, each in its type, with every value that cannot be told."""
        columns: list[pl.Series] = []
        for name, column in self._columns(frame).items():
            given = frame[name]
            faults_before = len(self.faults.found)
            series = replace(self.how, right=column.right)(given, column.type, faults=self.faults).alias(name)
            if len(self.faults.found) == faults_before:
                series = self._bounded(series, column, given)
            columns.append(series)
        return pl.DataFrame(columns)

    def _columns(self, frame: pl.DataFrame) -> dict[str, Column]:
        there = {name: column for name, column in SPECS[self.kind].columns.items() if name in frame.columns}
        if self.kind == "forecasts":
            quantile = Column(type="number", filled=True)
            levels = {name: level for name in frame.columns if (level := quantile_level(name)) is not None}
            there |= dict.fromkeys(sorted(levels, key=lambda name: levels[name]), quantile)
        return there

    def _bounded(self, series: pl.Series, column: Column, given: pl.Series) -> pl.Series:
        name, add = series.name, self.faults.add
        if column.type == "number":
            series = series.fill_nan(None)
            add(name, "are infinite", mend="give finite numbers", bad=series.is_infinite(), values=given)
        if column.filled:
            add(name, "are empty", mend="fill them or leave the rows out", bad=series.is_null())
        if column.at_least is not None:
            add(name, "are negative", mend="give 0 or more", bad=series < column.at_least, values=given)
        if column.above is not None:
            add(name, "are not above 0", mend="give more than 0", bad=series <= column.above, values=given)
        if column.type in ("period", "date", "instant"):
            self._in_time(series, column)
        if column.type == "text":
            self.faults.add_steering(series)
        return series

    def _in_time(self, series: pl.Series, column: Column) -> None:
        bounds = pl.Series([_OLDEST, self.now + _ZONES_AHEAD if column.type != "instant" else self.now])
        oldest, latest = bounds.dt.replace_time_zone("UTC" if column.type == "instant" else None).cast(series.dtype)
        mend = f"nothing is kept from before {_OLDEST.year}: is it a missing date, or a number read as one?"
        self.faults.add(series.name, "are too long ago", mend=mend, bad=series < oldest, values=series)
        if column.past:
            mend = f"now is {self.now:%Y-%m-%d %H:%M} UTC: remove them, or mend the year; plans belong into 'future'"
            self.faults.add(series.name, "lie in the future", mend=mend, bad=series > latest, values=series)

    def undeclared(self, frame: pl.DataFrame, *, ids: pl.Series) -> tuple[pl.DataFrame, dict[str, Role]]:
        """All other columns as their kind keeps them, and the role of each."""
        taken = self._columns(frame)
        kept: list[pl.Series] = []
        roles: dict[str, Role] = {}
        for given in frame.get_columns():
            if given.name in taken or self._left_out(given) or self._comma_untold(given):
                continue
            series = typed(given, self.how) if self.untyped and given.name not in self.known else given
            role = role_of(series, ids=ids, known=self.known)
            if role is None:
                self.notes.append(f"column {given.name!r} is empty: left out")
                continue
            roles[given.name] = role
            self._hint(given.name, frame)
            told = as_covariate(series if role == "number" else given, role, how=self.how, faults=self.faults)
            if told.dtype == pl.String and (role == "hierarchy" or SPECS[self.kind].extras == "attributes"):
                self.faults.add_steering(told)
            kept.append(told)
        return pl.DataFrame(kept), roles

    def _comma_untold(self, series: pl.Series) -> bool:
        """Refuse numbers that a decimal comma makes words of: once kept as words they stay so."""
        if series.name in self.known or self.how.decimal_comma or not has_decimal_commas(series):
            return False
        mend = (
            f"say decimal_comma=True (--decimal-comma), or that they are words: "
            f"roles={{{series.name!r}: 'text'}} (--role {series.name}=text)"
        )
        self.faults.say(
            series.name, f"holds numbers with a decimal comma, such as {series.drop_nulls()[0]!r}", mend=mend
        )
        return True

    def _hint(self, name: str, frame: pl.DataFrame) -> None:
        """Say so where an attribute is called almost like a column that would change orders."""
        spec = SPECS[self.kind]
        if spec.extras != "attributes":
            return
        near = meant(name, [column for column in spec.columns if column not in frame.columns], kind=self.kind)
        if near is not None:
            self.notes.append(
                f"column {name!r} is kept as an attribute and changes no order; if {near} was meant: "
                f"--column {near}={name}"
            )

    def _left_out(self, series: pl.Series) -> bool:
        if SPECS[self.kind].extras == "out":
            self.notes.append(f"column {series.name!r} is not used for {self.kind}: left out")
            return True
        if series.dtype.is_temporal() or series.dtype.is_nested() or isinstance(series.dtype, (pl.Binary, pl.Object)):
            self.notes.append(f"column {series.name!r} is {series.dtype}, neither number nor text: left out")
            return True
        return False
