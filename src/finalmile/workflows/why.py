"""Why: the rows of an incident and of the weeks before it, and what else happened then, handed to the explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from finalmile.errors import FinalMileError, MissingInputError, UnknownNameError
from finalmile.frames import FloatArray, IntArray, Panel
from finalmile.monitoring.why import Around, Event, LossRows, Why, explain_rows
from finalmile.monitoring.why.causes import share
from finalmile.monitoring.why.dimensions import Dimension, category, number
from finalmile.monitoring.why.slices import Slice
from finalmile.monitoring.why.words import where
from finalmile.records import Incident
from finalmile.workflows.arms import rows_in
from finalmile.workflows.in_force import issued_in_force
from finalmile.workflows.incidents import find
from finalmile.workflows.shop import Shop, check_model, known_cutoff
from finalmile.workflows.train import load_version

REFERENCE_DAYS = 56.0
LONGEST_DAYS = 28.0
SHORTEST_DAYS = 7.0
_CLASSES = 5
_NOT_INPUTS = frozenset({"holiday"})
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An incident and why it is open.

    Parameters
    ----------
    day
        From the period of an event to its date.
    """

    incident: Incident
    why: Why
    day: Callable[[int], date | datetime]

    @property
    def parts(self) -> list[tuple[Slice, str, str]]:
        """Where losses rose, each with its name and what share of the rise it is, in words."""
        return [(one, where(one.words), share(one.share)) for one in self.why.shown]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Forecasts of every series of a panel in every period of it, and the periods of the current window."""

    panel: Panel
    forecast: FloatArray
    since: int


def explain(shop: Shop, incident: Incident) -> Why:
    """Why an incident is open: from when its evidence begins to its newest look, against the eight weeks before.

    Nothing that became known after the newest look is used.
    """
    until = min(_period(shop, incident.updated_at), shop.known.newest)
    begun = incident.finding.since or incident.opened_at
    since = min(_period(shop, begun), until - shop.periods(SHORTEST_DAYS) + 1)
    return explain_span(shop, incident.model, since=since, until=until)


def in_full(shop: Shop, incident_id: str) -> Explained:
    """An incident with why it is open; ``UnknownNameError`` where there is none of that id."""
    incident = find(shop.ledger, incident_id)
    return Explained(incident=incident, why=explain(shop, incident), day=shop.day)


def explain_span(shop: Shop, model: str, *, since: int, until: int) -> Why:
    """Why losses of a model changed from a period on, against the eight weeks before.

    Of a span of more than four weeks the last four are explained, against the eight weeks before its begin.
    """
    first = since - shop.periods(REFERENCE_DAYS)
    panel = shop.known.panel(until, periods=until - first + 1)
    told = _Told(panel=panel, forecast=_forecasts(shop, model, panel), since=since)
    at = np.argwhere(np.isfinite(told.forecast))
    period = at[:, 1] + panel.first
    kept = at[(period < since) | (period > until - shop.periods(LONGEST_DAYS))]
    rows = _rows(shop, told, kept)
    around = _around(shop, model, told, kept)
    return explain_rows(rows, around=around, day=shop.day)


def why(
    shop: Shop,
    incident_id: str | None,
    *,
    model: str,
    since: date | None = None,
    until: date | None = None,
) -> Why:
    """Why an incident is open, by default the newest open one of a model; or why losses changed over a span.

    Raises
    ------
    MissingInputError
        Where neither is named and no incident is open.
    """
    if incident_id is not None:
        return explain(shop, _named(shop, incident_id))
    if since is not None:
        check_model(shop.ledger, model)
        last = known_cutoff(shop, None if until is None else shop.frequency.index_of(until))
        first = shop.frequency.index_of(since)
        if first > last:
            raise MissingInputError(f"--since {since} lies after {shop.day(last)}, the last day to explain")
        return explain_span(shop, model, since=first, until=last)
    opened = shop.ledger.incidents(model=model, open_only=True)
    if not opened:
        raise MissingInputError(
            f"no incident of {model!r} is open. Name one, or a span: finalmile why --model {model} --since DAY"
        )
    return explain(shop, opened[0])


def _forecasts(shop: Shop, model: str, panel: Panel) -> FloatArray:
    """Forecasts as issued, and before the first of them one-step forecasts of the first version; NaN for none."""
    told = np.full(panel.y.shape, np.nan, dtype=np.float32)
    versions = shop.ledger.versions(model)
    if not versions:
        return told
    begun = min(shop.frequency.index_of(version.cutoff) for version in versions) + 1
    for period in range(max(begun, panel.first), panel.cutoff + 1):
        issued = issued_in_force(shop, model, period)
        if issued is not None:
            rows = rows_in(panel.ids, issued.ids)
            told[rows[rows >= 0], period - panel.first] = issued.mean[rows >= 0]
    empty = np.flatnonzero(~np.isfinite(told).any(axis=0))
    if len(empty):
        _fill_reference(shop, model, panel, told, empty)
    return told


def _fill_reference(shop: Shop, model: str, panel: Panel, told: FloatArray, empty: IntArray) -> None:
    """Put one-step forecasts of the version that went live first where nothing was issued yet."""
    issued = np.flatnonzero(np.isfinite(told).any(axis=0))
    before = empty[empty < issued[0]] if len(issued) else empty
    try:
        reference = load_version(shop, shop.ledger.versions(model)[0]).reference()
    except FinalMileError:
        return
    columns = before + panel.first - reference.first
    fits = (columns >= 0) & (columns < reference.mean.shape[1])
    rows = rows_in(panel.ids, reference.ids)
    known = np.flatnonzero(rows >= 0)
    told[np.ix_(rows[known], before[fits])] = reference.mean[np.ix_(known, columns[fits])]


def _rows(shop: Shop, told: _Told, kept: IntArray) -> LossRows:
    panel, (row, column) = told.panel, kept.T
    sold = panel.demand()[row, column].astype(np.float64)
    error = told.forecast[row, column].astype(np.float64) - sold
    period = column + panel.first
    return LossRows(
        current=period >= told.since,
        loss=np.abs(error),
        exposure=sold,
        error=error,
        dimensions=tuple(one for one in _dimensions(shop, told, row, column) if len(one.labels) > 1),
        series=row.astype(np.int32),
        period=period,
    )


def _dimensions(shop: Shop, told: _Told, row: IntArray, column: IntArray) -> Iterator[Dimension]:
    panel, before = told.panel, column + told.panel.first < told.since
    for name, values in panel.statics.items():
        yield _of_series(category(name, values), row)
    yield _of_series(category("product", panel.ids), row)
    yield _of_series(_volume_class(told), row)
    if shop.frequency.unit == "day":
        days = [shop.day(period).weekday() for period in range(panel.first, panel.cutoff + 1)]
        weekday = category("weekday", [_WEEKDAYS[one] for one in days])
        yield Dimension(name="weekday", codes=weekday.codes[column], labels=weekday.labels)
    for name in ("price", "promo"):
        if name in panel.covariates:
            yield number(name, panel.covariates[name][row, column].astype(np.float64), like=before)


def _of_series(one: Dimension, row: IntArray) -> Dimension:
    return Dimension(name=one.name, codes=one.codes[row], labels=one.labels, edges=one.edges)


def _volume_class(told: _Told) -> Dimension:
    """Five classes of mean sales in the reference, the slowest first."""
    before = told.panel.demand()[:, : max(told.since - told.panel.first, 1)]
    known = np.isfinite(before)
    mean = np.where(known, before, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    cuts = np.unique(np.quantile(mean, np.arange(1, _CLASSES) / _CLASSES)) if len(mean) else np.zeros(0)
    codes = np.asarray(np.searchsorted(cuts, mean, side="right"), dtype=np.int32)
    ends = {0: " (slowest sellers)", len(cuts): " (best sellers)"} if len(cuts) else {}
    labels = tuple(f"class {k}{ends.get(k, '')}" for k in range(len(cuts) + 1))
    return Dimension(name="volume", codes=codes, labels=labels)


def _around(shop: Shop, model: str, told: _Told, kept: IntArray) -> Around:
    panel, (row, column) = told.panel, kept.T

    def of(name: str) -> FloatArray | None:
        return panel.covariates[name][row, column] if name in panel.covariates else None

    price, promoted = of("price"), of("promo")
    inputs = {name: values[row, column] for name, values in panel.covariates.items() if name not in _NOT_INPUTS}
    return Around(
        inputs={name: values.astype(np.float64) for name, values in inputs.items()},
        price=None if price is None else price.astype(np.float64),
        promoted=None if promoted is None else np.nan_to_num(promoted) > 0,
        censored=panel.censored[row, column],
        missing=~np.isfinite(panel.y[row, column]),
        events=(*_deploys(shop, model, told), *_holidays(told)),
    )


def _deploys(shop: Shop, model: str, told: _Told) -> Iterator[Event]:
    """Versions that went live in the panel's periods, by the audit trail."""
    for row in shop.ledger.audit_rows():
        if row.verb == "deploy" and row.subject == model:
            period = _period(shop, row.at)
            if told.panel.first <= period <= told.panel.cutoff:
                yield Event(kind="deploy", period=period, words=f"{model}@{row.body['live']} went live")


def _holidays(told: _Told) -> Sequence[Event]:
    holiday = told.panel.covariates.get("holiday")
    if holiday is None:
        return ()
    on = np.flatnonzero((np.nan_to_num(holiday[:, : told.panel.length]) > 0).any(axis=0)) + told.panel.first
    return [Event(kind="holiday", period=int(one), words="a public holiday") for one in on if one >= told.since][:3]


def _named(shop: Shop, incident_id: str) -> Incident:
    """The incident of an id; who named a model is told how."""
    try:
        return find(shop.ledger, incident_id)
    except UnknownNameError as unknown:
        if incident_id not in {*shop.config.models, *(one.model for one in shop.ledger.versions())}:
            raise
        mend = f"finalmile why --model {incident_id}"
        raise MissingInputError(f"{incident_id!r} is a model and no incident; explain its newest: {mend}") from unknown


def _period(shop: Shop, at: date | datetime) -> int:
    """Period of a stamp; an aware instant counts in UTC."""
    if isinstance(at, datetime) and at.tzinfo is not None:
        at = at.astimezone(UTC).replace(tzinfo=None)
    return shop.frequency.index_of(at)
