"""The evidence of every look, where rows say when they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from finalmile.errors import FinalMileError, UnknownNameError
from finalmile.frames import Frequency, detect
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.state import InputReference
from finalmile.monitoring.profile.columns import OtherColumn
from finalmile.monitoring.profile.profile import Profile, series_of
from finalmile.monitoring.profile.sources import source_of
from finalmile.records import Finding

_GUARANTEE = (
    "The sequential input check has seen {looks} looks after {reference} of the reference: its mean time to a false "
    "alarm is at least {arl:,.0f} looks for the whole table, however often one looks; approximately, because calendar, "
    "persistence and normalisers are estimated from the reference. "
)


def over_time(reference: Any, current: Any, *, time: str, columns: Sequence[str] | None) -> tuple[list[Finding], str]:
    """Findings of the newest look, and what they claim; without enough looks only the reason why there are none.

    Raises
    ------
    UnknownNameError
        Neither side has a column ``time``.
    """
    if isinstance(reference, Profile):
        return [], "A saved profile has no looks; give the reference's rows to have the evidence of every look."
    sides = {"reference": source_of(reference).schema, "current": source_of(current).schema}
    lacking = [side for side, schema in sides.items() if time not in schema]
    if len(lacking) == len(sides):
        raise UnknownNameError("column", time, {name for schema in sides.values() for name in schema})
    if lacking:
        return [], f"No look was judged: the {lacking[0]} rows have no column {time}."
    try:
        return _watched(reference, current, time=time, columns=columns)
    except FinalMileError as fault:
        return [], f"No look was judged: {fault}"


def looks_of(data: pl.DataFrame, *, time: str, frequency: Frequency) -> list[Look]:
    """Rows by period, oldest first; rows without a time are left out.

    Parameters
    ----------
    data
        Rows with a column of dates or instants.
    frequency
        How far looks are apart.
    """
    known = data.filter(pl.col(time).is_not_null())
    dated = known.with_columns(pl.Series("_look_", frequency.index(known.get_column(time)), dtype=pl.Int64))
    parts = dated.sort("_look_", maintain_order=True).partition_by("_look_", maintain_order=True)
    return [
        Look(
            period=int(part.item(0, "_look_")),
            columns={name: part.get_column(name) for name in data.columns if name != time},
            rows=part.height,
        )
        for part in parts
    ]


def _watched(reference: Any, current: Any, *, time: str, columns: Sequence[str] | None) -> tuple[list[Finding], str]:
    before, now = (_rows(data, time=time, columns=columns) for data in (reference, current))
    frequency = _looks_apart(before.get_column(time))
    if frequency is None:
        return [], f"No look was judged: {time} holds no dates, or all of one instant."
    profile = Profile.of(before.drop(time))
    references = {c.name: c.reference() for c in profile.columns if not isinstance(c, OtherColumn)}
    learned = looks_of(before, time=time, frequency=frequency)
    check = InputDriftCheck()
    state = check.start(InputReference.of(learned, references, frequency=frequency))
    found: list[Finding] = []
    looks = [look for look in looks_of(now, time=time, frequency=frequency) if look.period > state.last]
    for look in looks:
        state, found = check.update(state, look)
    if not looks:
        return [], "No look was judged: no current row is after the reference."
    return found, _claimed(found, check, looks=len(looks), reference=len(learned))


def _claimed(found: Sequence[Finding], check: InputDriftCheck, *, looks: int, reference: int) -> str:
    alarms = [one.subject for one in found if one.breached]
    said = f"In alarm: {', '.join(alarms[:5])}." if alarms else "None is in alarm."
    return _GUARANTEE.format(looks=looks, reference=reference, arl=check.arl) + said


def _rows(data: Any, *, time: str, columns: Sequence[str] | None) -> pl.DataFrame:
    schema = source_of(data).schema
    names = [name for name in schema if name != time and (columns is None or name in columns)]
    return series_of(data, [*names, time] if time in schema else names)


def _looks_apart(stamps: pl.Series) -> Frequency | None:
    """How far apart looks are: as the stamps are, but days where they have a time of day."""
    if not stamps.dtype.is_temporal() or isinstance(stamps.dtype, (pl.Time, pl.Duration)):
        return None
    found = detect(stamps)
    return Frequency("day") if found is not None and found.unit == "hour" else found
