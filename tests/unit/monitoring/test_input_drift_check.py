"""The input check: what it finds, what it leaves alone, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest

from finalmile.errors import CorruptError, MissingInputError
from finalmile.frames import Frequency
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.checks.output_drift import OutputDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.reference import CategoricalReference, NumericReference
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.records import Finding

DAY = Frequency("day")
FIRST, LOOKS, ROWS = 19_000, 160, 200
STORES = np.array(["north", "south", "east", "west"], dtype=object)


def look(period: int, *, seed: int = 5_100_000, rows: int = ROWS) -> Look:
    rng = np.random.default_rng(seed + period)
    week = 0.3 * np.sin(2 * np.pi * period / 7)
    price = np.exp(1.0 + 0.5 * rng.normal(size=rows))
    sold = np.floor(np.exp(rng.normal(size=rows) + week))
    store = STORES[rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])]
    return Look(period=period, columns={"price": price, "sold": sold, "store": pl.Series("store", store.tolist())})


@cache
def started() -> InputState:
    looks = [look(FIRST + t) for t in range(LOOKS)]
    pooled = {name: np.concatenate([one.columns[name] for one in looks]) for name in ("price", "sold")}
    stores, counts = np.unique(np.concatenate([one.columns["store"].to_list() for one in looks]), return_counts=True)
    references = {
        **{name: NumericReference.of(values) for name, values in pooled.items()},
        "store": CategoricalReference.of_counts(stores.astype(object), counts),
    }
    return InputDriftCheck().start(InputReference.of(looks, references, frequency=DAY))


def watch(
    change: Callable[[Look], Look], *, looks: int = 20, state: InputState | None = None
) -> tuple[InputState, list[list[Finding]]]:
    state, told = state or started(), []
    for _ in range(looks):
        state, findings = InputDriftCheck().update(state, change(look(state.last + 1)))
        told.append(findings)
    return state, told


def with_column(name: str, become: Callable[[np.ndarray], np.ndarray]) -> Callable[[Look], Look]:
    return lambda one: replace(one, columns={**one.columns, name: become(one.columns[name])})


def breached(told: list[list[Finding]]) -> list[tuple[int, str]]:
    return [(day, one.subject) for day, findings in enumerate(told) for one in findings if one.breached]


def test_looks_like_the_reference_are_no_finding() -> None:
    _, told = watch(lambda one: one, looks=60)
    assert not breached(told)
    assert {one.subject for one in told[-1]} == {
        "number of input rows",
        "input price",
        "input sold",
        "input store",
        "repeated inputs",
    }


def test_a_lasting_rise_is_found_in_days_and_told_in_words() -> None:
    _, told = watch(with_column("price", lambda x: x * 1.6))
    day, subject = breached(told)[0]
    assert day <= 4
    assert subject == "input price"
    [finding] = [one for one in told[-1] if one.subject == "input price"]
    assert "values are" in finding.why
    assert "expected for these days" in finding.why
    assert "reference sd" in finding.why
    assert finding.n == ROWS
    assert finding.since == DAY.start_of(started().last + 1)
    assert finding.log_evidence >= finding.threshold


def test_other_changes_of_the_same_column_are_told_beside() -> None:
    _, told = watch(with_column("price", lambda x: np.where(np.arange(len(x)) % 20 == 0, 10 * x, x)))
    [finding] = [one for one in told[-1] if one.subject == "input price"]
    assert "Also: " in finding.why
    assert "more rows are very high than" in finding.why
    assert "more rows are far beyond all values known than" in finding.why


def test_a_share_of_rows_in_another_unit_is_called_that() -> None:
    mixed = with_column("price", lambda x: np.where(np.arange(len(x)) % 25 == 0, x / 1000, x))
    _, told = watch(mixed)
    assert breached(told)[0][0] <= 4
    assert any("a 1,000th of the usual size: look for another unit" in one.why for one in told[-1])


def test_a_category_never_seen_before_is_found() -> None:
    renamed = with_column("store", lambda x: x.str.replace("west", "West"))
    _, told = watch(renamed)
    day, subject = breached(told)[0]
    assert day <= 5
    assert subject == "input store"


@pytest.mark.parametrize(
    ("become", "within"),
    [
        (lambda x: np.where(np.arange(len(x)) % 10 == 0, np.nan, x), 5),
        (lambda x: np.minimum(x, np.quantile(x, 0.9)), 5),
        (lambda x: np.round(x), 5),
        (lambda x: np.where(np.arange(len(x)) % 20 == 0, 0.0, x), 5),
        (lambda x: 0 * x + 3.0, 5),
    ],
    ids=["missing", "capped", "rounded", "zeros", "constant"],
)
def test_what_happens_to_feeds_is_found(become: Callable[[np.ndarray], np.ndarray], within: int) -> None:
    _, told = watch(with_column("price", become), looks=10)
    assert breached(told)[0][0] <= within


def test_a_day_that_came_twice_is_found_at_once() -> None:
    first = look(started().last + 1)
    _, told = watch(lambda one: replace(first, period=one.period), looks=2)
    assert not breached(told[:1])
    assert breached(told) == [(1, "repeated inputs")]
    assert "are those of" in next(one.why for one in told[1] if one.breached)


def test_a_column_that_never_changes_is_no_repeated_look() -> None:
    looks = [Look(period=FIRST + t, columns={"flag": np.ones(50)}) for t in range(60)]
    check = InputDriftCheck()
    state = check.start(InputReference.of(looks, {"flag": NumericReference.of(np.ones(50))}, frequency=DAY))
    for t in range(30):
        state, told = check.update(state, Look(period=FIRST + 60 + t, columns={"flag": np.ones(50)}))
        assert not any(one.breached for one in told)


def test_half_the_rows_are_told_as_fewer_rows() -> None:
    _, told = watch(lambda one: replace(one, columns={name: values[:100] for name, values in one.columns.items()}))
    day, subject = breached(told)[0]
    assert (day <= 4, subject) == (True, "number of input rows")
    assert "there are fewer rows than expected" in told[-1][0].why


def test_an_alarm_ends_when_it_is_acknowledged_or_its_evidence_is_gone() -> None:
    state, _ = watch(with_column("price", lambda x: x * 1.6))
    calm = InputDriftCheck().acknowledge(state, ["input price"])
    assert (state.alarm >= 0).tolist() == [False, True, False, False]
    assert not (calm.alarm >= 0).any()
    _, told = watch(lambda one: one, looks=60, state=state)
    assert not breached(told[-1:])


def test_rows_that_were_accepted_are_normal_from_then_on() -> None:
    dearer = with_column("price", lambda x: x * 1.6)
    state, _ = watch(dearer, looks=40)
    calm = InputDriftCheck().acknowledge(state, ["input price"], accept=True)
    _, told = watch(dearer, looks=40, state=calm)
    assert not breached(told)
    _, told = watch(dearer, looks=40, state=InputDriftCheck().acknowledge(state, ["input price"]))
    assert breached(told)


def test_a_change_that_is_smaller_than_the_tolerance_is_no_finding() -> None:
    _, told = watch(with_column("price", lambda x: x * 1.02), looks=60)
    assert not breached(told)


def test_a_stored_state_goes_on_bit_for_bit() -> None:
    state, _ = watch(with_column("price", lambda x: x * 1.05), looks=5)
    again = InputState.from_bytes(state.to_bytes())
    one, told = watch(lambda one: one, looks=5, state=state)
    two, retold = watch(lambda one: one, looks=5, state=again)
    assert told == retold
    assert one.to_bytes() == two.to_bytes()
    with pytest.raises(CorruptError):
        InputState.from_bytes(b"no state")


def test_the_same_look_again_changes_nothing() -> None:
    state, _ = watch(lambda one: one, looks=1)
    again, told = InputDriftCheck().update(state, look(state.last))
    assert again is state
    assert [(one.value, one.breached) for one in told] == [(None, False)]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"price": np.full(5, np.nan), "sold": np.zeros(5), "store": pl.Series([None] * 5, dtype=pl.String)},
        {"price": np.array([np.inf, -np.inf]), "sold": np.array([np.nan, np.inf]), "store": pl.Series(["", None])},
        {"price": np.array([1.0]), "sold": np.array([-3.0]), "store": pl.Series(["north"])},
        {"price": pl.Series(["a", "b"]), "sold": pl.Series([1, 2]), "store": pl.Series([1.5, None])},
        {"price": np.zeros(0), "sold": np.zeros(0), "store": pl.Series([], dtype=pl.String)},
        {"price": np.full(3, 1e308), "sold": np.full(3, -1e308), "store": pl.Series(["x"] * 3)},
    ],
)
def test_no_rows_are_too_odd(columns: dict) -> None:
    state = started()
    for _ in range(12):
        state, told = InputDriftCheck().update(state, Look(period=state.last + 1, columns=columns))
        assert all(one.why for one in told)
        assert all(one.value is None or np.isfinite(one.value) for one in told)
    assert {one.subject for one in told} >= {"number of input rows", "input price", "input sold", "input store"}


@pytest.mark.parametrize("values", [np.full(30, np.nan), np.zeros(30), np.full(30, np.inf), np.zeros(0)])
def test_no_reference_is_too_odd(values: np.ndarray) -> None:
    looks = [Look(period=FIRST + t, columns={"x": values}, rows=30) for t in range(40)]
    check = InputDriftCheck()
    state = check.start(InputReference.of(looks, {"x": NumericReference.of(values)}, frequency=DAY))
    for t in range(5):
        state, told = check.update(state, Look(period=FIRST + 40 + t, columns={"x": values}, rows=30))
        assert not any(one.breached for one in told)


def test_a_column_that_is_gone_is_a_finding_and_the_others_are_judged() -> None:
    gone = lambda one: replace(one, columns={name: one.columns[name] for name in ("sold", "store")})  # noqa: E731
    _, told = watch(gone, looks=3)
    [finding] = [one for one in told[-1] if one.subject == "input price"]
    assert (finding.value, finding.severity) == (None, "warning")
    assert "Column price is gone" in finding.why
    assert not breached(told)


def test_too_short_a_reference_is_refused() -> None:
    looks = [look(FIRST + t) for t in range(5)]
    reference = InputReference.of(looks, {"price": NumericReference.of(looks[0].columns["price"])}, frequency=DAY)
    with pytest.raises(MissingInputError, match="5 looks"):
        InputDriftCheck().start(reference)


def test_special_days_are_learned_and_a_look_that_does_not_say_is_an_ordinary_day() -> None:
    rng = np.random.default_rng(5_100_002)

    def day(t: int, *, says: bool = True) -> Look:
        off = float(t % 11 == 0)
        return Look(period=t, columns={"x": rng.normal(size=200) + 2 * off}, calendar=np.array([off]) if says else None)

    looks = [day(t) for t in range(200)]
    pooled = np.concatenate([one.columns["x"] for one in looks])
    check = InputDriftCheck()
    state = check.start(InputReference.of(looks, {"x": NumericReference.of(pooled)}, frequency=DAY))
    for t in range(200, 260):
        state, told = check.update(state, day(t))
        assert not any(one.breached for one in told)
    state, told = check.update(state, day(261, says=False))
    assert len(told) == 3


@pytest.mark.parametrize("frequency", ["h", "W", "M"])
def test_other_frequencies_are_watched_too(frequency: str) -> None:
    freq, rng = Frequency.parse(frequency), np.random.default_rng(5_100_001)
    looks = [Look(period=1000 + t, columns={"x": rng.normal(size=100)}) for t in range(260)]
    check = InputDriftCheck()
    pooled = np.concatenate([one.columns["x"] for one in looks])
    state = check.start(InputReference.of(looks, {"x": NumericReference.of(pooled)}, frequency=freq))
    alarms = 0
    for t in range(30):
        state, told = check.update(state, Look(period=1260 + t, columns={"x": rng.normal(size=100) + (t >= 20)}))
        alarms += any(one.breached for one in told)
        assert t >= 20 or not alarms
    assert alarms


def test_outputs_are_told_as_outputs() -> None:
    check, state, told = OutputDriftCheck(), started(), list[Finding]()
    for _ in range(8):
        one = look(state.last + 1)
        state, told = check.update(state, with_column("price", lambda x: x * 2)(one))
    [finding] = [one for one in told if one.breached]
    assert (finding.check, finding.subject) == ("output_drift", "output price")
    assert not (check.acknowledge(state, ["output price"]).alarm >= 0).any()
