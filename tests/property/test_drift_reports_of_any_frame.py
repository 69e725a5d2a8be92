"""Whatever a table holds, a drift report of it is a report: numbers as scipy's, each trouble told with its reason."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

import finalmile as fm
from finalmile.monitoring.effects import Counted, ordered
from finalmile.monitoring.effects.pairs import Ordered
from finalmile.monitoring.effects.sizes.energy import Energy
from finalmile.monitoring.effects.sizes.jensen_shannon import JensenShannon
from finalmile.monitoring.effects.sizes.ks import KS
from finalmile.monitoring.effects.sizes.wasserstein import Wasserstein
from finalmile.monitoring.profile.table import Table

AT = date(2024, 3, 1)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

_KINDS: dict[str, tuple[st.SearchStrategy[object], pl.DataType | type[pl.DataType]]] = {
    "float": (st.floats(width=64), pl.Float64),
    "single": (st.floats(width=32), pl.Float32),
    "whole": (st.integers(-(2**63), 2**63 - 1), pl.Int64),
    "small": (st.integers(0, 3), pl.UInt8),
    "flag": (st.booleans(), pl.Boolean),
    "text": (st.text(max_size=6), pl.String),
    "day": (st.dates(), pl.Date),
    "time": (st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)), pl.Datetime("us")),
    "list": (st.lists(st.integers(0, 3), max_size=2), pl.List(pl.Int64)),
    "nothing": (st.none(), pl.Null),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(st.integers(0, 12))
    columns = {}
    for name in draw(st.lists(st.sampled_from(["a", "b", "c", "<b>"]), unique=True, max_size=4)):
        values, dtype = _KINDS[draw(st.sampled_from(sorted(_KINDS)))]
        told = draw(st.lists(values | st.none(), min_size=rows, max_size=rows))
        columns[name] = pl.Series(name, told, dtype=dtype, strict=False)
    return pl.DataFrame(columns)


@given(reference=frames(), current=frames())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
def test_any_two_frames_have_a_report_in_which_each_trouble_has_a_reason(
    reference: pl.DataFrame, current: pl.DataFrame
) -> None:
    report = fm.drift_report(reference, current)
    assert {column.name for column in report.columns} == {*reference.columns, *current.columns}
    for column in report.columns:
        for effect in column.every:
            assert effect.value is None or math.isfinite(effect.value), (column.name, effect)
            assert effect.value is not None or effect.why or column.note, (column.name, effect)
    assert all(finding.why for finding in report.findings)
    json.dumps(report.to_dict(), allow_nan=False)
    assert "<b></" not in report.to_html()
    report.to_junit()


_ties = st.lists(st.integers(-6, 6), min_size=1, max_size=40).map(lambda told: np.array(told, dtype=float) / 2)


@given(a=_ties, b=_ties)
@settings(max_examples=80, deadline=None)
def test_samples_that_were_counted_are_those_that_scipy_weighs(a: np.ndarray, b: np.ndarray) -> None:
    """Tables of counts per value are samples with weights; both must give one number."""
    pair, (u, n), (v, m) = ordered(a, b), *(np.unique(one, return_counts=True) for one in (a, b))
    weighed = {"u_weights": n, "v_weights": m}
    assert Wasserstein(in_sd=False)(pair).value == pytest.approx(stats.wasserstein_distance(u, v, **weighed), abs=1e-12)
    assert Energy(in_sd=False)(pair).value == pytest.approx(stats.energy_distance(u, v, **weighed), abs=1e-7)
    assert KS()(pair).value == pytest.approx(_ks(a, b), abs=1e-12)


def _ks(a: np.ndarray, b: np.ndarray) -> float:
    every = np.union1d(a, b)
    upto = [np.searchsorted(np.sort(one), every, "right") / len(one) for one in (a, b)]
    return float(np.abs(upto[0] - upto[1]).max())


@given(a=_ties, b=_ties, times=st.integers(2, 50))
@settings(max_examples=40, deadline=None)
def test_a_sample_repeated_is_as_far_as_it_was(a: np.ndarray, b: np.ndarray, times: int) -> None:
    once, often = ordered(a, b), ordered(np.tile(a, times), np.tile(b, times))
    for effect in (KS(), Wasserstein(in_sd=False), Energy(in_sd=False)):
        assert effect(often).value == pytest.approx(effect(once).value, abs=1e-7)


@given(a=_ties, b=_ties, knots=st.integers(2, 8))
@settings(max_examples=40, deadline=None)
def test_what_a_coarser_table_tells_is_within_its_stated_error(a: np.ndarray, b: np.ndarray, knots: int) -> None:
    assume(len(np.unique(a)) > 1)
    every = np.union1d(a, b)
    tables = [Table.exact(np.sort(one)).on(every).thinned(knots) for one in (a, b)]
    shared = np.union1d(tables[0].knots, tables[1].knots)
    coarse = Ordered(reference=tables[0].on(shared), current=tables[1].on(shared), sd=1.0)
    told = KS()(coarse)
    assert told.value is not None
    assert abs(told.value - _ks(a, b)) <= (told.error or 0.0) + sum(t.widest / t.n for t in tables) + 1e-9


@given(st.lists(st.text(max_size=2), min_size=1, max_size=30), st.lists(st.text(max_size=2), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_texts_in_a_report_are_as_far_as_scipy_says(before: list[str], now: list[str]) -> None:
    report = fm.drift_report(pl.DataFrame({"x": before}), pl.DataFrame({"x": now}), sizes=["jensen_shannon"])
    names = sorted({*before, *now})
    p, q = (np.array([Counter(side)[name] for name in names], dtype=float) for side in (before, now))
    told = next(one for one in report.columns[0].every if one.name == "jensen_shannon")
    assert told.value == pytest.approx(JensenShannon()(Counted(reference=p, current=q)).value, abs=1e-9)
    assert told.value == pytest.approx(float(jensenshannon(p, q, base=2)), abs=1e-7)
