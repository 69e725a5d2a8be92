"""Concept drift and forecast value added, on losses whose story is known."""

from datetime import date

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.monitoring.checks.concept_drift import ConceptDriftCheck, ConceptState
from finalmile.monitoring.checks.fva import FvaCheck, FvaState
from finalmile.monitoring.loss.paired import PairedLook, PairedReference

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
REFERENCE = 150
DRIFT, FVA = ConceptDriftCheck(), FvaCheck()


def losses(seed: int, *, looks: int, world: float = 1.0, worse: float = 1.0) -> dict[str, np.ndarray]:
    """Model at 80 % of the baseline's loss; days hard for both; from the reference's end on as the factors say."""
    rng = np.random.default_rng(seed)
    sold = 1000 * np.exp(rng.normal(0, 0.05, looks))
    hard = np.exp(rng.normal(0, 0.08, looks))
    after = np.arange(looks) >= REFERENCE
    baseline = 300 * hard * np.exp(rng.normal(0, 0.04, looks)) * np.where(after, world, 1.0)
    live = 0.8 * 300 * hard * np.exp(rng.normal(0, 0.04, looks)) * np.where(after, world * worse, 1.0)
    return {"sold": sold, "baseline": baseline, "live": live}


def reference(made: dict[str, np.ndarray]) -> PairedReference:
    return PairedReference(frequency=DAY, first=FIRST, **{name: row[:REFERENCE] for name, row in made.items()})


def verdicts(made: dict[str, np.ndarray], **others: float) -> list[str]:
    state, told = DRIFT.start(reference(made)), []
    for t in range(REFERENCE, len(made["sold"])):
        row = {name: float(values[t]) for name, values in made.items()}
        more = {name: factor * row["live"] for name, factor in others.items()}
        state, _ = DRIFT.update(state, PairedLook(period=FIRST + t, **row, **more))
        told.append(DRIFT.verdict(state))
    return told


def test_a_quiet_year_is_undecided_all_along() -> None:
    assert set(verdicts(losses(51, looks=REFERENCE + 365))) == {"undecided"}


def test_a_world_that_became_harder_for_all_is_told_from_a_model_that_became_worse() -> None:
    assert verdicts(losses(52, looks=REFERENCE + 30, world=1.3))[-1] == "world harder"
    assert verdicts(losses(53, looks=REFERENCE + 30, worse=1.3))[-1] == "model worse"
    assert verdicts(losses(54, looks=REFERENCE + 30, world=1.4, worse=1.4))[-1] == "both"


def test_a_fresh_refit_that_does_better_proves_the_model_worse_where_the_baseline_does_not() -> None:
    made = losses(55, looks=REFERENCE + 30)
    assert verdicts(made)[-1] == "undecided"
    assert verdicts(made, refit=0.8)[-1] == "model worse"


def test_the_sentence_names_both_e_values_and_since_when() -> None:
    made = losses(56, looks=REFERENCE + 30, worse=1.3)
    state = DRIFT.start(reference(made))
    for t in range(REFERENCE, REFERENCE + 30):
        row = {name: float(values[t]) for name, values in made.items()}
        state, found = DRIFT.update(state, PairedLook(period=FIRST + t, **row))
    assert found[0].breached
    assert found[0].effect == pytest.approx(0.3, abs=0.1)
    assert "Model worse" in found[0].why
    assert "e-values: world" in found[0].why
    stored = ConceptState.from_bytes(state.to_bytes())
    assert DRIFT.verdict(stored) == "model worse"
    assert DRIFT.verdict(DRIFT.acknowledge(stored)) == "undecided"
    assert DRIFT.verdict(DRIFT.resume(stored, last=FIRST + 400)) == "undecided"


def test_looks_without_losses_and_infinite_ones_are_findings_not_errors() -> None:
    made = losses(57, looks=REFERENCE + 5)
    state, added = DRIFT.start(reference(made)), FVA.start(reference(made))
    for t, odd in enumerate((np.nan, np.inf, 0.0)):
        look = PairedLook(period=FIRST + REFERENCE + t, sold=odd, live=odd, baseline=odd)
        state, found = DRIFT.update(state, look)
        added, more = FVA.update(added, look)
        assert [one.value is None for one in (*found, *more)] == [odd != 0.0] * 2
    assert DRIFT.update(state, look) == (state, [])
    assert FVA.update(added, look) == (added, [])


def test_a_model_that_falls_behind_the_baseline_is_found_and_one_that_gains_less_is_not() -> None:
    for worse, expected in ((1.0, False), (1.15, False), (1.45, True)):
        made = losses(58, looks=REFERENCE + 60, worse=worse)
        state = FVA.start(reference(made))
        for t in range(REFERENCE, REFERENCE + 60):
            row = {name: float(values[t]) for name, values in made.items()}
            state, found = FVA.update(state, PairedLook(period=FIRST + t, **row))
        assert found[0].breached is expected
        assert (found[0].value < 0) is expected
    assert "the baseline would do better" in found[0].why
    assert not FVA.update(FVA.acknowledge(FvaState.from_bytes(state.to_bytes())), look_after(made))[1][0].breached


def look_after(made: dict[str, np.ndarray]) -> PairedLook:
    return PairedLook(period=FIRST + REFERENCE + 60, sold=1000.0, live=240.0, baseline=300.0)


def test_too_little_before_going_live_is_refused_with_the_mend() -> None:
    short = {name: row[:10] for name, row in losses(59, looks=REFERENCE).items()}
    for check in (DRIFT, FVA):
        with pytest.raises(MissingInputError, match="certify on a longer holdout"):
            check.start(PairedReference(frequency=DAY, first=FIRST, **short))
