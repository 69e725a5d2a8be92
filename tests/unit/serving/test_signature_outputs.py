"""Answers of a model are the mean and quantiles, and are told from each other by their names."""

from __future__ import annotations

import pytest

from finalmile.errors import SchemaError
from finalmile.serving.signature import Signature


def _read(*outputs: str) -> Signature:
    return Signature.from_json({"features": ["price"], "outputs": list(outputs)})


@pytest.mark.parametrize("outputs", [("mean",), ("q0.5", "mean", "q0.98"), ("mean", "q.9")])
def test_the_mean_and_quantiles_are_read_in_their_order(outputs: tuple[str, ...]) -> None:
    assert _read(*outputs).outputs == outputs


@pytest.mark.parametrize("name", ["lower", "quick", "q", "q1.5", "q0.0", "q95", "qnan", "q0.5x", "q-0.5", "Mean", ""])
def test_an_answer_that_is_neither_mean_nor_quantile_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(SchemaError, match="is neither mean nor a quantile") as told:
        _read("mean", name)
    assert repr(name) in str(told.value)


@pytest.mark.parametrize("outputs", [(), ("q0.5",), ("mean", "mean")])
def test_a_model_without_one_mean_is_refused(outputs: tuple[str, ...]) -> None:
    with pytest.raises(SchemaError, match="each answer once, one of them mean"):
        _read(*outputs)
