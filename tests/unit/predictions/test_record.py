"""A logged prediction as a line: what goes in comes out, ids say the same of the same."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.errors import CorruptError
from finalmile.predictions.record import Prediction, fresh_id, head, key_digest, keyed_id, line, scored_again_id

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.none()
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def prediction(**told: object) -> Prediction:
    usual = {
        "prediction_id": "a", "request_id": "r", "endpoint": "predict", "model": "demand", "version": 3,
        "role": "live", "issued_at": 1_700_000_000_000_001, "mean": [2.5], "ds": ["2024-03-01"],
    }  # fmt: skip
    return Prediction(**{**usual, **told})


@given(TEXT, st.lists(NUMBERS), st.lists(NUMBERS, max_size=40) | st.none())
def test_a_prediction_survives_its_line(name: str, mean: list[float | None], features: list[float | None] | None):
    told = prediction(unique_id=name, mean=mean, ds=["2024-03-01"] * len(mean), features=features)
    written = told.to_json()
    assert b"\n" not in written
    assert Prediction.from_json(written).to_json() == written


@given(TEXT, st.lists(NUMBERS, max_size=40))
def test_the_quick_line_says_the_same(name: str, features: list[float | None]):
    slow = prediction(unique_id=name, features=features)
    start = head({"endpoint": "predict", "model": "demand", "version": 3, "role": "live"})
    quick = line(start, {
        "prediction_id": "a", "request_id": "r", "issued_at": 1_700_000_000_000_001, "mean": [2.5],
        "ds": ["2024-03-01"], "unique_id": name, "features": features,
    })  # fmt: skip
    assert b"\n" not in quick
    assert Prediction.from_json(quick).to_json() == slow.to_json()


def test_what_is_no_number_is_missing():
    told = Prediction.from_json(prediction(mean=[math.nan], features=[math.inf, 1.0]).to_json())
    assert (told.mean, told.features) == ([None], [None, 1.0])


def test_a_line_of_a_newer_release_is_read():
    assert Prediction.from_json(prediction().to_json()[:-1] + b',"colour":"red"}').to_json() == prediction().to_json()


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"3", b"{}", b'{"prediction_id":"a"}'])
def test_what_is_no_prediction_is_told(broken: bytes):
    with pytest.raises(CorruptError, match="no logged prediction"):
        Prediction.from_json(broken)


def test_periods_of_unequal_number_are_told():
    with pytest.raises(ValueError, match="mean has 2 periods"):
        prediction(mean=[1.0, 2.0])
    with pytest.raises(ValueError, match="quantiles must have as many"):
        prediction(levels=[0.5], quantiles=[[1.0, 2.0]])
    with pytest.raises(ValueError, match="1 quantiles must have as many"):
        prediction(levels=[0.5])


def test_an_instant_is_aware_and_exact():
    assert prediction().at == datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=UTC)


def test_ids_of_one_key_are_the_same_and_of_another_scope_are_not():
    mine = key_digest("order-7", scope="fm_abc/demand")
    assert keyed_id(mine, 0) == keyed_id(key_digest("order-7", scope="fm_abc/demand"), 0)
    others = [key_digest("order-7", scope="fm_abc/other"), key_digest("order-8", scope="fm_abc/demand")]
    assert mine not in others
    assert key_digest("b", scope="a") != key_digest("", scope="ab")
    assert keyed_id(mine, 0) != keyed_id(mine, 1)


def test_fresh_ids_sort_by_time():
    early, late = fresh_id(1_700_000_000_000_000, b"\xff" * 10), fresh_id(1_700_000_000_001_000, b"\x00" * 10)
    assert early < late
    assert len(early) == len(late) == 32


def test_scored_again_is_one_id_per_version_and_role():
    ids = {scored_again_id("a", version=v, role=r) for v in (1, 2) for r in ("shadow", "previous")}
    assert len(ids) == 4
    assert scored_again_id("a", version=1, role="shadow") in ids
