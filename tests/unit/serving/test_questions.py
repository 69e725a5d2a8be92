"""What a version is asked when it is measured."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from finalmile.serving.online import About, OnlineTable
from finalmile.serving.questions import answers_alike, of_rows, of_table
from finalmile.serving.signature import Feature, Signature

PLAIN = Signature(features=(Feature(name="price"), Feature(name="lag")))


def golden(count: int) -> dict[str, object]:
    return {"rows": [[float(at), at / 7] for at in range(count)], "answers": [[float(at)] for at in range(count)]}


@pytest.mark.parametrize("count", [20, 256, 400])
def test_load_varies_over_256_rows_that_differ(count: int) -> None:
    told = of_rows("demand", PLAIN, golden(count), seed="demand")
    assert len(told.bodies) == told.distinct == 256
    assert len(told.golden) == count


def test_every_value_asked_is_one_the_model_was_registered_with() -> None:
    told = of_rows("demand", PLAIN, golden(20), seed="demand")
    asked = [json.loads(body)["features"] for body in told.bodies]
    assert {row[0] for row in asked} <= {float(at) for at in range(20)}
    assert {row[1] for row in asked} <= {at / 7 for at in range(20)}


def test_the_same_version_is_always_asked_the_same() -> None:
    one, again = (of_rows("demand", PLAIN, golden(20), seed="demand") for _ in range(2))
    assert one.digest == again.digest
    assert one.digest != of_rows("demand", PLAIN, golden(20), seed="returns").digest


def test_where_few_rows_differ_fewer_are_asked() -> None:
    assert of_rows("demand", PLAIN, golden(1), seed="demand").distinct == 1
    assert of_rows("demand", PLAIN, {}, seed="demand").bodies == ()


def test_categories_are_asked_by_name_and_missing_values_as_null() -> None:
    signature = Signature(
        features=(
            Feature(name="kind", kind="category", categories=("milk", "bread")),
            Feature(name="lag", default=math.nan),
        )
    )
    told = of_rows("demand", signature, {"rows": [[1.0, None]], "answers": [[2.0]]}, seed="demand")
    assert json.loads(told.bodies[0]) == {"features": ["bread", None]}


def test_a_golden_row_that_no_caller_can_ask_is_left_out() -> None:
    told = of_rows("demand", PLAIN, {"rows": [[None, 1.0], [1.0, 1.0]], "answers": [[2.0], [3.0]]}, seed="demand")
    assert [right for _, right in told.golden] == [{"mean": 3.0}]


def test_answers_of_a_table_are_checked_against_the_table() -> None:
    about = About(model="demand", number=1, cutoff="2026-01-04", kind="answers", frequency="D", ds=("a", "b"))
    mean = np.arange(10, dtype=np.float32).reshape(5, 2)
    told = of_table("demand", OnlineTable(about=about, ids=list("abcde"), arrays={"mean": mean}), seed="demand")
    assert len(told.bodies) == 5
    body, right = told.golden[0]
    row = "abcde".index(json.loads(body)["unique_id"])
    assert json.loads(body)["horizon"] == 2
    assert answers_alike(json.dumps({"mean": mean[row].tolist()}), right)
    assert not answers_alike(json.dumps({"mean": mean[row].tolist()[:1]}), right)


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"mean": null}', '{"mean": "2"}', '{"mean": [2.0, 2.0]}'])
def test_what_is_no_answer_is_not_the_right_one(told: str) -> None:
    assert not answers_alike(told, {"mean": 2.5})
