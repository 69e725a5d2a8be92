"""Whatever the order, the slots and the interruptions: each prediction is in the log once."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import TransientError
from finalmile.predictions.record import Prediction, keyed_id
from finalmile.workflows.seal import PREDICTIONS, predictions, seal

SLOTS = 3
ACTS = st.lists(
    st.tuples(st.just("write"), st.integers(0, SLOTS - 1), st.lists(st.integers(0, 12), min_size=1, max_size=6))
    | st.tuples(st.just("seal"), st.integers(1, 8), st.sampled_from(["whole", "no append", "no drop"])),
    max_size=14,
)  # fmt: skip


class Failing:
    """A tail or lake that fails where a killed process would have stopped."""

    def __init__(self, inner: object, name: str) -> None:
        self._inner, self._failing = inner, name

    def __getattr__(self, name: str) -> object:
        if name == self._failing:
            raise TransientError(f"killed before {name}")
        return getattr(self._inner, name)


def line(number: int, *, keyed: bool) -> bytes:
    return Prediction(
        prediction_id=keyed_id("ab" * 16, number) if keyed else f"{number:032x}", request_id=f"r{number}",
        endpoint="predict", model="demand", version=1 + number % 2, role="live", issued_at=1_700_000_000_000_000,
        mean=[float(number), 0.0][: 1 + number % 2], ds=["2024-03-01", "2024-03-02"][: 1 + number % 2],
        key="ab" * 16 if keyed else None,
    ).to_json()  # fmt: skip


def try_to_seal(tails: Sequence[TailFile], lake: FolderLake, ledger: SqlLedger, *, lines: int, how: str) -> None:
    try:
        seal(
            [Failing(tail, "drop") for tail in tails] if how == "no drop" else tails,
            Failing(lake, "append") if how == "no append" else lake,
            ledger,
            lines=lines,
        )
    except TransientError:
        assert how != "whole"


@given(ACTS)
@settings(max_examples=40, deadline=None)
def test_in_any_order_and_multiplicity_each_prediction_is_read_and_sealed_once(acts: list[tuple[str, int, object]]):
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ledger = stack.enter_context(SqlLedger(f"sqlite:///{folder}/ledger.db"))
        lake = FolderLake(folder / "lake", ledger)
        tails = [TailFile(folder / f"log-{slot}.db") for slot in range(SLOTS)]
        for tail in tails:
            stack.callback(tail.close)
        written: set[int] = set()
        for verb, number, told in acts:
            if verb == "write":
                # Keyed ones come again, on any slot; those without a key come once.
                fresh = [one for one in told if one % 3 or one not in written]
                fresh = [one for at, one in enumerate(fresh) if one % 3 or one not in fresh[:at]]
                if fresh:
                    tails[number].write([line(one, keyed=bool(one % 3)) for one in fresh])
                written |= set(fresh)
            else:
                try_to_seal(tails, lake, ledger, lines=number, how=str(told))
            assert_each_once(predictions(tails, lake), written)
        seal(tails, lake, ledger)
        assert [list(tail.groups()) for tail in tails] == [[]] * SLOTS
        if written:
            sealed = lake.scan(PREDICTIONS).collect()
            assert_each_once(sealed, written)
            assert_each_once(predictions(tails, lake), written)
        assert seal(tails, lake, ledger).rows == 0


def assert_each_once(rows: pl.DataFrame, written: set[int]) -> None:
    wanted = sorted((f"r{number}", step) for number in written for step in range(1 + number % 2))
    assert sorted(rows.select("request_id", "step").rows()) == wanted
