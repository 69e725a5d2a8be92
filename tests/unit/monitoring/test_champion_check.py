"""The champion check: looks one after another, a state that is kept, words that people read."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from finalmile.frames import Frequency
from finalmile.monitoring.checks.champion import ChampionCheck
from finalmile.monitoring.registry import checks
from finalmile.monitoring.versions import MOST_LOOKS, PairedLook, Rule
from finalmile.monitoring.versions.state import ComparisonReference, ComparisonState

DAY = Frequency("day")
FIRST = DAY.index_of(date(2024, 3, 1))


def begun(check, *, gains=()):
    return check.start(
        ComparisonReference(
            model="demand", frequency=DAY, champion=1, challenger=2, first=FIRST, gains=np.array(gains, dtype=float)
        )
    )


def look(at, gain, *, rows=100):
    return PairedLook(period=FIRST + at, champion=100.0, challenger=100.0 * (1 - gain), rows=rows, saved=50.0 * gain)


def followed(check, gains):
    state, found = begun(check), []
    for at, gain in enumerate(gains):
        state, findings = check.update(state, look(at, gain))
        found += findings
    return state, found


def test_it_is_registered_under_its_name():
    assert isinstance(checks.make("champion"), ChampionCheck)


def test_a_better_challenger_wins_and_the_decision_stays():
    noise = 0.02 * np.random.default_rng(5_400_000).standard_normal(30)
    state, _ = followed(ChampionCheck(), 0.05 + noise)
    assert state.decided == "win"
    decided_at = state.decided_at
    state, (finding,) = ChampionCheck().update(state, look(30, -0.9))
    assert (state.decided, state.decided_at) == ("win", decided_at)
    assert finding.why.startswith("demand@2 is better than demand@1")
    assert "at list price" in finding.why


@pytest.mark.parametrize("critical", [True, False])
def test_a_worse_challenger_is_an_incident_only_where_it_answers(critical):
    check = ChampionCheck(harm_is_critical=critical)
    state, found = followed(check, -0.05 + 0.02 * np.random.default_rng(5_400_001).standard_normal(30))
    assert state.decided == "lose"
    assert found[-1].breached is critical
    assert found[-1].severity == ("critical" if critical else "info")
    assert (found[-1].money_at_risk or 0) > 0 or not critical


def test_a_look_without_data_holds_and_proves_nothing():
    check = ChampionCheck()
    state, _ = followed(check, [0.05, 0.04, 0.06])
    nothing = PairedLook(period=FIRST + 3, champion=float("nan"), challenger=float("nan"), left_out=7)
    state, (finding,) = check.update(state, nothing)
    assert finding.value is None
    assert finding.severity == "warning"
    assert "7 rows lack" in finding.why


def test_skipped_looks_count_as_missing():
    check = ChampionCheck()
    state, _ = followed(check, [0.05])
    state, _ = check.update(state, look(5, 0.04))
    assert np.isnan(state.gains).tolist() == [False, True, True, True, True, False]


def test_a_look_that_is_not_new_changes_nothing():
    check = ChampionCheck()
    state, _ = followed(check, [0.05, 0.04])
    assert check.update(state, look(1, -1.0)) == (state, [])


def test_a_state_that_went_through_the_ledger_goes_on_to_the_last_bit():
    check = ChampionCheck(rule=Rule(horizon=60, margin=0.02))
    noise = 0.05 * np.random.default_rng(5_400_002).standard_normal(40)
    kept, straight = begun(check, gains=noise[:10]), begun(check, gains=noise[:10])
    for at, gain in enumerate(noise):
        straight, told = check.update(straight, look(at, gain))
        kept, again = check.update(ComparisonState.from_bytes(kept.to_bytes()), look(at, gain))
        assert told == again
    assert kept.to_bytes() == straight.to_bytes()


def test_the_horizon_ends_a_comparison_that_decided_nothing():
    gains = np.tile([0.2, -0.2], 10)
    _, found = followed(ChampionCheck(rule=Rule(horizon=20)), gains)
    assert "Its 20 looks are over" in found[-1].why


def test_acknowledging_begins_anew_and_learns_from_what_was_seen():
    check = ChampionCheck()
    state, _ = followed(check, [0.05] * 9 + [0.04])
    fresh = check.acknowledge(state)
    assert (fresh.decided, len(fresh.gains), fresh.first) == ("", 0, state.last + 1)
    assert np.isfinite(fresh.reference).sum() == 10


def test_state_stays_bounded():
    check = ChampionCheck()
    state, _ = check.update(begun(check), look(0, 0.01))
    state, _ = check.update(state, look(50_000, 0.01))
    assert len(state.gains) == MOST_LOOKS
    assert (state.first, state.last) == (FIRST, FIRST + 50_000)


def test_after_a_thousand_looks_nothing_is_decided_any_more():
    check = ChampionCheck()
    gains = np.where(np.arange(MOST_LOOKS) % 2 == 0, 0.06, -0.06)
    state = replace(begun(check), gains=gains[:-1], last=FIRST + MOST_LOOKS - 2)
    for at in range(MOST_LOOKS - 1, MOST_LOOKS + 40):
        state, (finding,) = check.update(state, look(at, gains[at] if at < MOST_LOOKS else 0.5))
    assert state.decided == ""
    assert "Its 1,000 looks are over: keep demand@1, or compare anew." in finding.why


@pytest.mark.parametrize("pair", [(0.0, 0.0), (0.0, 5.0), (float("inf"), 1.0), (float("nan"), 1.0)])
def test_odd_losses_raise_nothing(pair):
    check, state = ChampionCheck(rule=Rule(margin=0.02)), begun(ChampionCheck())
    for at in range(12):
        state, (finding,) = check.update(
            state, PairedLook(period=FIRST + at, champion=pair[0], challenger=pair[1], rows=3)
        )
        assert finding.why


def test_a_decision_that_later_looks_contradict_says_so():
    check = ChampionCheck()
    state, _ = followed(check, 0.05 + 0.02 * np.random.default_rng(5_410_000).standard_normal(20))
    assert state.decided == "win"
    for at in range(20, 60):
        state, (finding,) = check.update(state, look(at, -0.2))
    assert state.decided == "win"
    assert finding.severity == "warning"
    assert "turned round: compare anew" in finding.why


def test_rows_that_only_one_version_answered_are_told_with_every_verdict():
    check = ChampionCheck()
    state, _ = followed(check, 0.05 + 0.02 * np.random.default_rng(5_410_001).standard_normal(20))
    partly = PairedLook(period=FIRST + 20, champion=100.0, challenger=95.0, rows=10, left_out=1990)
    _, (finding,) = check.update(state, partly)
    assert "leaves out 1,990 rows" in finding.why
