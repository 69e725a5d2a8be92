"""Coverage of quantiles, look by look."""

from datetime import date

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring.checks.coverage import CoverageCheck
from finalmile.monitoring.loss.coverage_state import CoverageLook, CoverageReference, CoverageState, counts
from finalmile.records import Finding

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
REFERENCE, N = 180, 400
CHECK = CoverageCheck()
KINDS = np.array(["q0.9 of slow movers", "q0.9 of fast movers"], dtype=object)
CERTIFIED = np.array([0.9, 0.9])


def outcomes(rng: np.random.Generator, *, looks: int, share: tuple[float, float] = (0.9, 0.9)) -> np.ndarray:
    """Outcomes at or below the quantile; days are clustered: what one product does, many do."""
    clustered = np.clip(np.array(share)[:, None] + rng.normal(0, 0.03, (2, looks)), 0.01, 0.99)
    return rng.binomial(N, clustered).astype(float)


def begin(held: np.ndarray, *, pinball: float = 1.0) -> CoverageState:
    n = np.full(held.shape, float(N))
    return CHECK.start(
        CoverageReference(
            frequency=DAY, first=FIRST, kinds=KINDS, certified=CERTIFIED, held=held, n=n, pinball=pinball * n
        )
    )


def live(state: CoverageState, held: np.ndarray, *, pinball: float = 1.0) -> tuple[CoverageState, list[list[Finding]]]:
    told = []
    for t in range(held.shape[1]):
        n = np.full(2, float(N))
        look = CoverageLook(period=state.share.last + 1, kinds=KINDS, held=held[:, t], n=n, pinball=pinball * n)
        state, found = CHECK.update(state, look)
        told.append(found)
    return state, told


def test_shares_that_stay_as_certified_raise_nothing_though_days_are_clustered() -> None:
    rng = np.random.default_rng(61)
    for _ in range(5):
        _, told = live(begin(outcomes(rng, looks=REFERENCE)), outcomes(rng, looks=180))
        assert not any(one.breached for found in told for one in found)


def test_a_share_that_falls_is_found_in_its_class_only_and_asks_to_recalibrate() -> None:
    rng = np.random.default_rng(62)
    _, told = live(begin(outcomes(rng, looks=REFERENCE)), outcomes(rng, looks=20, share=(0.9, 0.8)))
    slow, fast = told[-1]
    assert not slow.breached
    assert fast.breached
    assert fast.value == pytest.approx(0.8, abs=0.03)
    assert fast.benchmark == 0.9
    assert fast.why.endswith("products run out more often than planned; recalibrate.")


def test_a_reference_that_missed_what_was_certified_does_not_become_the_benchmark() -> None:
    rng = np.random.default_rng(63)
    low = (0.82, 0.82)
    _, told = live(begin(outcomes(rng, looks=REFERENCE, share=low)), outcomes(rng, looks=60, share=low))
    assert all(one.breached for one in told[-1])


def test_too_wide_quantiles_and_a_growing_pinball_loss_count_too() -> None:
    rng = np.random.default_rng(64)
    reference = outcomes(rng, looks=REFERENCE)
    _, told = live(begin(reference), outcomes(rng, looks=30, share=(0.98, 0.9)))
    assert "more is stocked than planned" in told[-1][0].why
    _, told = live(begin(reference), outcomes(rng, looks=30), pinball=1.5)
    assert "pinball loss of q0.9 of slow movers is 4" in told[-1][0].why


def test_trouble_is_no_error_and_evidence_can_be_restarted_and_stored() -> None:
    rng = np.random.default_rng(65)
    state, _ = live(begin(outcomes(rng, looks=REFERENCE)), outcomes(rng, looks=20, share=(0.7, 0.7)))
    state = CoverageState.from_bytes(state.to_bytes())
    assert (state.share.alarm >= 0).all()
    calm = CHECK.acknowledge(state, ["q0.9 of slow movers"])
    assert (calm.share.alarm >= 0).tolist() == [False, True]
    empty = np.array([], dtype=object), np.empty(0)
    look = CoverageLook(period=state.share.last + 1, kinds=empty[0], held=empty[1], n=empty[1], pinball=empty[1])
    after, found = CHECK.update(state, look)
    assert len(found) == 2
    assert after.share.watch.log_r.tolist() == state.share.watch.log_r.tolist()
    assert (CHECK.resume(after, last=after.share.last + 9).share.alarm < 0).all()
    with pytest.raises(MissingInputError, match="certify on a longer holdout"):
        begin(outcomes(rng, looks=5))


def test_counts_leave_out_what_is_unknown_and_split_by_volume() -> None:
    actual = np.array([1.0, 5.0, np.nan, 9.0])
    kinds, certified, held, n, pinball = counts(
        actual,
        {0.9: np.array([2.0, 4.0, 4.0, np.nan])},
        volume=np.array([0, 1, 1, 1]),
        classes=VolumeClasses((3.0,)),
        what="lead-time window ",
    )
    assert kinds.tolist() == [f"lead-time window q0.9 of volume class {k} of 2" for k in (1, 2)]
    assert (certified.tolist(), held.tolist(), n.tolist()) == ([0.9, 0.9], [1.0, 0.0], [1.0, 1.0])
    assert pinball == pytest.approx([0.1, 0.9])
