"""Every segment by itself says what scipy and plain sums say of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from finalmile.monitoring.profile.segments import SegmentReference, by_segment


def _frame(seed: int, *, rows: int, products: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(rows).round(1)
    x[rng.random(rows) < 0.05] = np.nan
    x[rng.random(rows) < 0.01] = np.inf
    code = (products * rng.random(rows) ** 2).astype(int)
    y = rng.poisson(1.0, rows).astype(float)
    y[rng.random(rows) < 0.1] = np.nan
    return pl.DataFrame(
        {"id": [f"p{k}" for k in code], "x": x, "w": rng.poisson(3.0, rows), "y": y, "f": rng.gamma(1.0, 1.0, rows)}
    ).with_columns(pl.col("x").fill_nan(None))


@pytest.mark.parametrize("contiguous", [True, False])
def test_every_segment_is_what_it_is_alone(contiguous: bool) -> None:
    before, now = _frame(5_000_020, rows=3000, products=90), _frame(5_000_021, rows=2000, products=120)
    if contiguous:
        before, now = before.sort("id", maintain_order=True), now.sort("id", maintain_order=True)
    told = by_segment(SegmentReference.of(before, segment="id", features=["x", "w"]), now, actual="y", forecast="f")
    assert told["id"].to_list() == sorted({*before["id"], *now["id"]})
    for row in told.iter_rows(named=True):
        a, b = (frame.filter(pl.col("id") == row["id"]) for frame in (before, now))
        assert (row["n_reference"], row["n"]) == (a.height, b.height)
        for name in ("x", "w"):
            one, other = (f[name].cast(pl.Float64).drop_nulls().to_numpy() for f in (a, b))
            one, other = one[np.isfinite(one)], other[np.isfinite(other)]
            if len(one) and len(other):
                assert row[f"ks_{name}"] == pytest.approx(
                    stats.ks_2samp(one, other, method="asymp").statistic
                    if min(len(one), len(other)) > 1
                    else _plain_ks(one, other),
                    abs=1e-12,
                )
            else:
                assert row[f"ks_{name}"] is None
        y, f = b["y"].to_numpy(), b["f"].to_numpy()
        known = np.isfinite(y)
        miss = (f - y)[known]
        if known.any():
            assert row["mae"] == pytest.approx(np.abs(miss).mean())
            assert row["rmse"] == pytest.approx(np.sqrt((miss**2).mean()))
            assert row["bias"] == pytest.approx(miss.mean())
            sold = np.abs(y[known]).sum()
            assert row["wape"] == (pytest.approx(np.abs(miss).sum() / sold) if sold else None)
        else:
            assert row["mae"] is row["wape"] is row["rmse"] is row["bias"] is None


def _plain_ks(one: np.ndarray, other: np.ndarray) -> float:
    cuts = np.concatenate([one, other])
    return float(max(abs((one <= c).mean() - (other <= c).mean()) for c in cuts))


def test_a_saved_reference_says_the_same(tmp_path: Path) -> None:
    before, now = _frame(5_000_022, rows=500, products=20), _frame(5_000_023, rows=400, products=20)
    reference = SegmentReference.of(before, segment="id", features=["x", "w"])
    loaded = SegmentReference.load(reference.save(tmp_path / "segments.npz"))
    assert by_segment(loaded, now).equals(by_segment(reference, now))
    assert by_segment(reference, now).columns == ["id", "n_reference", "n", "ks_x", "ks_w", "ks_chance"]


def test_one_segment_with_most_rows_costs_no_more_memory_than_its_rows() -> None:
    rng = np.random.default_rng(5_000_024)
    ids = np.where(rng.random(90_000) < 0.9, -1, rng.integers(0, 3000, 90_000))
    frame = pl.DataFrame({"id": ids, "x": rng.standard_normal(90_000)})
    told = by_segment(SegmentReference.of(frame, segment="id", features=["x"]), frame)
    assert told["ks_x"].max() == 0.0


def test_odd_segments_never_raise() -> None:
    empty = {"id": pl.Series([], dtype=pl.String), "x": pl.Series([], dtype=pl.Float64)}
    some = {"id": ["a", None, "a"], "x": pl.Series([None, None, None], dtype=pl.Float64)}
    for before in (empty, some):
        for now in (empty, some):
            told = by_segment(SegmentReference.of(before, segment="id", features=["x"]), now)
            assert told["ks_x"].null_count() == told.height
