"""What an explanation says: no figure that says nothing, no share beyond the whole, no level that means none."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.monitoring.why import Around, Event, LossRows, Why, explain_rows
from finalmile.monitoring.why.dimensions import Dimension, category, number
from finalmile.monitoring.why.words import where

STORES = ["north", "none", "null", 'O"Hare </script>', "[bold]x[/]", "a\nb", "", "unknown"]


def _world(
    seed: int, *, part: float, rest: float, scatter: float = 1.0, stores: int = 8, attributes: bool = True
) -> tuple[LossRows, Around]:
    """Stores with two products each over fifty days; the first sells `part`, all others `rest` times as much lately."""
    rng = np.random.default_rng(seed)
    product, day = (one.ravel() for one in np.meshgrid(np.arange(2 * stores), np.arange(50), indexing="ij"))
    store, now = product // 2, day >= 36
    promo = (rng.random(len(day)) < np.where(now, 0.5, 0.1)).astype(float)
    level = rng.uniform(1, 30, 2 * stores)[product]
    mean = level * np.where(now, np.where(store == 0, part, rest), 1.0)
    told = level * np.exp(rng.normal(0, 0.2, len(day)) * np.where(now & (store == 0), scatter, 1.0))
    sold = rng.poisson(mean).astype(float)
    names: tuple[Dimension, ...] = (
        category("store", [STORES[k % len(STORES)] for k in store]),
        category("product", [f"p{k}" for k in product]),
        number("promo", promo, like=~now),
    )
    rows = LossRows(
        current=now, loss=np.abs(told - sold), exposure=sold, error=told - sold,
        dimensions=names if attributes else (), series=product.astype(np.int32), period=day.astype(np.int64),
    )  # fmt: skip
    price = 5.0 * np.where(now & (store == 0), part, 1.0)
    return rows, Around(
        price=price, promoted=promo > 0, events=[Event(kind="deploy", period=36, words="m@2 went live")]
    )


def _told(seed: int, part: float, rest: float, scatter: float, stores: int, attributes: bool) -> Why:
    rows, around = _world(seed, part=part, rest=rest, scatter=scatter, stores=stores, attributes=attributes)
    return explain_rows(rows, around=around)


def _check(sentence: str) -> None:
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert all(1 <= float(one) <= 100 for one in re.findall(r"([-\d.]+) %", sentence)), sentence
    assert "nan" not in sentence.replace("unknown", "")
    assert "inf" not in sentence
    assert not ("nearly everything" in sentence and "no worse than before" in sentence), sentence
    assert not re.search(r"(store|product) (none|null|unknown)|of with|promo [01]\b|-\d+ % more", sentence), sentence


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    part=st.sampled_from([0.0, 0.3, 0.9, 1.0, 1.01, 2.0, 9.0]),
    rest=st.sampled_from([0.6, 0.97, 1.0, 1.02, 1.6]),
    scatter=st.sampled_from([0.1, 1.0, 4.0]),
    stores=st.sampled_from([1, 2, 8]),
    attributes=st.booleans(),
)
def test_a_sentence_never_says_0_percent_nor_more_than_all_nor_less_as_more(
    seed: int, part: float, rest: float, scatter: float, stores: int, *, attributes: bool
) -> None:
    _check(_told(seed, part, rest, scatter, stores, attributes).sentence)


def test_where_the_rest_became_so_much_better_that_nothing_is_worse_no_rise_is_told() -> None:
    rows, around = _world(3, part=2.5, rest=1.0)
    calm = (rows.dimensions[1].codes > 1) & rows.current
    better = LossRows(
        current=rows.current, exposure=rows.exposure, dimensions=rows.dimensions, series=rows.series,
        period=rows.period, loss=np.where(calm, 0.0, rows.loss),
        error=np.where(calm, 0.0, rows.error if rows.error is not None else 0.0),
    )  # fmt: skip
    told = explain_rows(better, around=around)
    assert told.after is not None
    assert told.before is not None
    assert told.after < told.before
    assert "rise" not in told.sentence
    assert "all forecasts together are no worse" in told.sentence


def test_a_forecast_of_several_times_the_sales_is_told_in_times_and_no_percentage_beyond_100() -> None:
    told = _told(5, 0.2, 1.0, 1.0, 8, attributes=True)
    assert re.search(r"are [3-7]\.\d times what is sold", told.sentence), told.sentence


def test_a_rise_that_hardly_is_one_is_no_worse() -> None:
    rows, _ = _world(7, part=1.0, rest=1.0)
    twice = np.arange(rows.n)
    flat = rows.take(np.concatenate([twice[~rows.current], twice[~rows.current]]))
    now = np.arange(flat.n) >= flat.n // 2
    loss = flat.loss * np.where(now, 1.004, 1.0)
    same = LossRows(current=now, loss=loss, exposure=flat.exposure, dimensions=flat.dimensions)
    assert "no worse than before" in explain_rows(same).sentence


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"promo": "no", "store": "4"}, "store 4 without promo"),
        ({"promo": "yes"}, "with promo"),
        ({"brand": "None"}, "without brand"),
        ({"brand": "<NA>"}, "unknown brand"),
        ({"a": "1", "b": "2", "c": "3"}, "a 1, b 2 and c 3"),
        ({"id": "a\n\x1b[31mb"}, "id a [31mb"),
        ({"id": "x" * 99}, "id " + "x" * 59 + "…"),
    ],
)
def test_a_level_that_means_none_or_cannot_be_read_is_told_in_words(words: dict[str, str], said: str) -> None:
    assert where(words) == said


def test_a_price_that_moved_long_before_the_change_is_no_event_of_it() -> None:
    rows, _ = _world(9, part=2.5, rest=1.0)
    assert rows.period is not None
    told = explain_rows(rows, around=Around(price=np.where(rows.period >= 10, 4.0, 5.0)))
    assert told.since is not None
    assert not told.events
