"""Scalars of a look: against plain definitions, on any rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from finalmile.monitoring.inputs.categories import Categories, text
from finalmile.monitoring.inputs.features import Standard, coefficients, used
from finalmile.monitoring.inputs.reference import CategoricalReference, NumericReference
from finalmile.monitoring.inputs.scalars import NUMERIC, Scorer, legendre

FEW = st.integers(-3, 6).map(float) | st.sampled_from([np.nan, np.inf, -np.inf, 0.25])
ROWS = arrays(np.float64, st.integers(0, 60), elements=FEW)


def told(rows: np.ndarray, pooled: np.ndarray) -> dict[str, float]:
    return dict(zip(NUMERIC, Scorer.of(NumericReference.of(pooled)).reduce(rows)[0].tolist(), strict=True))


@given(ROWS, ROWS)
def test_moments_are_those_of_mid_ranks(rows: np.ndarray, pooled: np.ndarray) -> None:
    known, s = rows[np.isfinite(rows)], np.sort(pooled[np.isfinite(pooled)])
    if not len(known) or not len(s):
        return

    def score(x: np.ndarray) -> np.ndarray:
        return legendre((np.searchsorted(s, x) + np.searchsorted(s, x, side="right")) / 2 / len(s)).mean(axis=0)

    found = told(rows, pooled)
    assert [found[name] for name in ("level", "spread", "skew")] == pytest.approx(score(known) - score(s), abs=1e-9)


@given(ROWS, ROWS)
def test_shares_are_counts_over_rows(rows: np.ndarray, pooled: np.ndarray) -> None:
    found, known = told(rows, pooled), rows[np.isfinite(rows)]
    if len(rows):
        assert found["null"] == pytest.approx(np.isnan(rows).mean())
    if not len(known):
        assert all(np.isnan(value) for name, value in found.items() if name != "null")
        return
    distinct, counts = np.unique(known, return_counts=True)
    assert found["zero"] == pytest.approx((known == 0).mean())
    assert found["whole"] == pytest.approx((known == np.floor(known)).mean())
    assert found["top"] == pytest.approx((known == known.max()).mean())
    assert found["distinct"] == pytest.approx(np.log(len(distinct) / len(known)))
    assert found["mode"] == pytest.approx(max([0, *counts[distinct != 0]]) / len(known))
    assert found["mean"] == pytest.approx(known.mean())


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: np.ndarray, chance) -> None:
    scorer, turned = Scorer.of(NumericReference.of(np.arange(9.0))), rows.tolist()
    chance.shuffle(turned)
    one, two = scorer.reduce(rows), scorer.reduce(np.array(turned, dtype=float))
    assert np.array_equal(one[0], two[0], equal_nan=True)
    assert one[1] == two[1]


def test_many_rows_and_few_are_counted_alike() -> None:
    rng = np.random.default_rng(5_160_000)
    pooled, rows = rng.normal(size=20_000), rng.normal(size=5_000)
    scorer = Scorer.of(NumericReference.of(pooled))
    parts = np.mean([scorer.reduce(part)[0][:3] for part in rows.reshape(50, 100)], axis=0)
    assert scorer.reduce(rows)[0][:3] == pytest.approx(parts, abs=1e-12)
    ranks = np.searchsorted(np.sort(pooled), rows) / len(pooled)
    assert scorer.reduce(rows)[0][:3] == pytest.approx(legendre(ranks).mean(axis=0), abs=2e-3)


def test_a_reference_keeps_heavy_values_and_both_ends() -> None:
    rng = np.random.default_rng(5_160_001)
    values = np.concatenate([np.zeros(5_000), rng.normal(size=20_000)])
    table = NumericReference.of(values)
    assert len(table.points) <= 1_010
    assert (table.points[0], table.points[-1]) == (values.min(), values.max())
    at = int(np.flatnonzero(table.points == 0.0)[0])
    assert table.upto[at] - table.below[at] == pytest.approx(0.2)
    assert table.quantile(0.1) == pytest.approx(np.quantile(values, 0.1), abs=0.02)


def test_categories_are_shares_and_new_ones_are_unseen() -> None:
    names = np.array(["a", "b", "c"], dtype=object)
    categories = Categories.of(CategoricalReference.of_counts(names, np.array([6, 3, 1])), most=2)
    rows = text(np.array(["a", "b", "c", "d", None], dtype=object))
    scalars, _ = categories.reduce(rows)
    assert dict(zip(categories.names, scalars.round(4).tolist(), strict=True)) == {
        "share of a": 0.25,
        "share of b": 0.25,
        "other": 0.25,
        "unseen": 0.25,
        "null": 0.2,
        "distinct": 1.3863,
    }
    assert list(categories.unseen(rows)) == ["d"]


def test_features_explain_what_follows_from_the_level() -> None:
    rng = np.random.default_rng(5_160_002)
    scalars = np.zeros((200, 1, len(NUMERIC)))
    scalars[:, 0, 0] = rng.normal(size=200)
    standard = Standard.of(scalars, np.zeros(200))
    features = standard(scalars, np.zeros(200)).learned[:, 0]
    away = np.clip((scalars[:, 0, 0] - scalars[:, 0, 0].mean()) / scalars[:, 0, 0].std(), -4, 4)
    target = 2 * away - 0.5 * away**2
    terms = used()[NUMERIC.index("spread")]
    assert coefficients(target, features[:, terms], np.ones((200, 1))) == pytest.approx([2.0, -0.5], abs=1e-6)
