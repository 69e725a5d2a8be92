"""Inputs of online predictions: have the features that the endpoint answers become others than they were."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from finalmile.errors import CorruptError, MissingInputError
from finalmile.frames import Frequency
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.checks.ranges import RangeCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.monitoring.inputs.told import Speaker
from finalmile.ports import Lake
from finalmile.predictions.record import ANSWERED
from finalmile.records import Finding, Version
from finalmile.serving.signature import Feature, Signature
from finalmile.workflows.rescore import signature_of
from finalmile.workflows.seal import PREDICTIONS
from finalmile.workflows.shop import Shop, live_version
from finalmile.workflows.watching import profiles
from finalmile.workflows.watching.inputs import check_of, harmless
from finalmile.workflows.watching.seen import Told

NAME, NOUN = "logged_inputs", "logged input"
LEAST_DAYS, MOST_DAYS = 28, 112
"""Days of the log that what is normal is learned from, at least and at most."""

_DAY = Frequency("day")
_MOST_ROWS = 5_000


def look(shop: Shop, lake: Lake, model: str) -> Told:
    """Judge every whole day (UTC) of the log since the last one judged; findings are those of the newest.

    Rows that callers gave count as those that were looked up do, for both are what the model was asked. Versions
    with the features of the live one share their evidence; those with others are left out. What is normal is learned
    from the log itself, once it has more than 28 whole days: what an endpoint is asked about is another mix than the
    whole assortment. From the first day on, values are held against the profile of the live version.
    """
    deployed = shop.ledger.deployment(model)
    live = None if deployed is None else live_version(shop, model)
    signature = None if live is None else signature_of(live, shop.artefacts)
    if live is None or signature is None or "input_drift" in shop.config.monitor.skip:
        return Told()
    versions = [one.number for one in shop.ledger.versions(model) if _names(shop, one) == signature.names]
    rows = _answered(lake, model, versions)
    state, said = _read(shop, key := _key(model, signature), live)
    until = _DAY.index_of(shop.clock.now().astimezone(UTC).date())
    days = _whole_days(rows, after=None if state is None else state.last, until=until)
    if rows is None or not days:
        return Told(findings=said)
    if state is None and len(days) <= LEAST_DAYS:
        waits = _waits(live, days=len(days), at=_DAY.start_of(days[-1]))
        newest = _look(rows, signature, days[-1])
        return Told(findings=(*said, waits, *_ranges(shop, live, newest)))
    return _judged(shop, live, [_look(rows, signature, day) for day in days], key=key, state=state, said=said)


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence against logged inputs start anew; it is that of the live version, whichever is meant."""
    deployed = shop.ledger.deployment(version.model)
    live = version if deployed is None else live_version(shop, version.model)
    signature = signature_of(live, shop.artefacts)
    blob = None if signature is None else shop.ledger.load_state(_key(version.model, signature))
    if signature is not None and blob is not None:
        state = check_of(shop).acknowledge(InputState.from_bytes(blob), subjects)
        shop.ledger.save_state(_key(version.model, signature), state.to_bytes())


def _judged(
    shop: Shop, live: Version, looks: Sequence[Look], *, key: str, state: InputState | None, said: tuple[Finding, ...]
) -> Told:
    check, found = check_of(shop), list[Finding]()
    if state is None:
        learned, looks = looks[:-1], looks[-1:]
        try:
            state = _learned(check, learned)
        except MissingInputError as missing:
            at = _DAY.start_of(looks[-1].period)
            return Told(findings=(*said, _said(live, f"Logged inputs wait: {missing}", at=at)))
    newest: InputState = state
    for one in looks:
        newest, found = check.told_by(_speaker(check), newest, one)
    told = harmless((*said, *found, *_ranges(shop, live, looks[-1])))
    return Told(findings=told, states={key: newest.to_bytes()})


def _learned(check: InputDriftCheck, looks: Sequence[Look]) -> InputState:
    references = profiles.known(profiles.profiled(looks)).references
    return check.start(InputReference.of(looks, dict(references), frequency=_DAY))


def _ranges(shop: Shop, live: Version, newest: Look) -> tuple[Finding, ...]:
    profile = profiles.read(shop, live)
    if profile is None or not newest.size:
        return ()
    known = {name: one for name, one in profiles.known(profile).references.items() if name in newest.columns}
    at = _DAY.start_of(newest.period)
    return tuple(RangeCheck().compare(known, newest.columns, noun=NOUN, at=at))


def _speaker(check: InputDriftCheck) -> Speaker:
    return Speaker(check="input_drift", noun=NOUN, alarm=math.log(check.arl), warning=math.log(check.warning_arl))


def _read(shop: Shop, key: str, live: Version) -> tuple[InputState | None, tuple[Finding, ...]]:
    blob = shop.ledger.load_state(key)
    if blob is None:
        return None, ()
    try:
        return InputState.from_bytes(blob), ()
    except CorruptError as fault:
        why = f"What was remembered of logged inputs is learned again: {fault}"
        return None, (replace(_said(live, why, at=shop.clock.now()), severity="warning"),)


def _answered(lake: Lake, model: str, versions: Sequence[int]) -> pl.LazyFrame | None:
    """Rows with features, one a prediction; ``None`` before anything was logged."""
    sealed = lake.scan(PREDICTIONS)
    if not sealed.collect_schema():
        return None
    return sealed.filter(
        pl.col("model") == model,
        pl.col("version").is_in(list(versions)),
        pl.col("role").is_in(ANSWERED),
        pl.col("features").is_not_null(),
        pl.col("step") == 0,
    )


def _whole_days(rows: pl.LazyFrame | None, *, after: int | None, until: int) -> list[int]:
    """Days from the one after the last that was judged, else from the first of the log, up to yesterday."""
    if rows is None:
        return []
    if after is None:
        oldest: datetime | None = rows.select(pl.col("issued_at").min()).collect().item()
        if oldest is None:
            return []
        after = max(_DAY.index_of(oldest.date()) - 1, until - MOST_DAYS - 2)
    return list(range(after + 1, until))


def _look(rows: pl.LazyFrame, signature: Signature, period: int) -> Look:
    """A day of the log; of very many rows some, drawn by a hash of their ids, beside their true number."""
    first = datetime.combine(_date(period), time(), tzinfo=UTC)
    of_day = rows.filter(pl.col("issued_at") >= first, pl.col("issued_at") < first + timedelta(days=1))
    told = of_day.select("prediction_id", "features").collect()
    some = told if told.height <= _MOST_ROWS else told.sort(pl.col("prediction_id").hash(0)).head(_MOST_ROWS)
    columns = {one.name: _values(some["features"], one, at) for at, one in enumerate(signature.features)}
    return Look(period=period, columns=columns, rows=told.height)


def _values(features: pl.Series, one: Feature, at: int) -> pl.Series:
    """A feature of every row: numbers, or the names of categories that are logged as places in their list."""
    values = features.list.get(at, null_on_oob=True).alias(one.name)
    if one.kind == "number":
        return values
    names = dict(enumerate(one.categories))
    return values.cast(pl.Int64, strict=False).replace_strict(names, default=None, return_dtype=pl.String)


def _names(shop: Shop, version: Version) -> tuple[str, ...]:
    try:
        signature = signature_of(version, shop.artefacts)
    except CorruptError:
        return ()
    return () if signature is None else signature.names


def _key(model: str, signature: Signature) -> str:
    return f"{NAME}/{model}/{zlib.crc32(repr(signature.features).encode()):08x}"


def _date(period: int) -> date:
    told = _DAY.start_of(period)
    return told.date() if isinstance(told, datetime) else told


def _waits(live: Version, *, days: int, at: date | datetime) -> Finding:
    why = f"Logged inputs wait: {days} whole days were logged; more than {LEAST_DAYS} tell what is normal."
    return _said(live, why, at=at)


def _said(live: Version, why: str, *, at: date | datetime) -> Finding:
    return Finding(check="input_drift", subject=f"{NOUN}s of {live}", at=at, value=None, benchmark=None, why=why)
