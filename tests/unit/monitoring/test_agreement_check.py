"""Whether a version still says what the one before would have said."""

from datetime import date

import numpy as np
import pytest

from finalmile.frames import Frequency
from finalmile.monitoring.checks.agreement import AgreementCheck, AgreementState
from finalmile.monitoring.versions.agreement import agreement_look

DAY = Frequency("day")


def followed(off, *, looks=20, check=None, rows=400, seed=5_300_000):
    check = check or AgreementCheck()
    state, found = check.begin("demand", frequency=DAY, old=1, new=2, first=100), []
    for look in range(looks):
        chance = np.random.default_rng([seed, look])
        old = chance.gamma(2.0, 5.0, rows)
        state, findings = check.update(
            state, agreement_look(100 + look, old, old * (1 + off * chance.standard_normal(rows)), tolerance=0.05)
        )
        found += findings
    return state, found


def test_the_same_answers_are_equal():
    _, found = followed(0.0)
    assert "equal within" in found[-1].why
    assert found[-1].value == 0.0
    assert not found[-1].breached


def test_answers_that_differ_by_a_tenth_differ_from_the_first_look_that_may_decide():
    _, found = followed(0.1)
    assert [finding.breached for finding in found[:7]] == [False] * 6 + [True]
    assert "differ by more than 2.0%" in found[-1].why


def test_a_small_difference_inside_the_margin_is_equal():
    _, found = followed(0.01)
    assert "equal within" in found[-1].why


def test_a_look_that_is_not_new_changes_nothing():
    state, _ = followed(0.0)
    same, found = AgreementCheck().update(state, agreement_look(100, np.ones(3), np.ones(3), tolerance=0.05))
    assert same is state
    assert found == []


def test_state_goes_through_bytes_and_back():
    state, _ = followed(0.01, looks=3)
    again = AgreementState.from_bytes(state.to_bytes())
    assert again.to_bytes() == state.to_bytes()
    assert again.wapd.tolist() == state.wapd.tolist()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (np.empty(0), np.empty(0)),
        (np.full(5, np.nan), np.ones(5)),
        (np.zeros(5), np.zeros(5)),
        (np.zeros(5), np.ones(5)),
        (np.full(5, np.inf), np.ones(5)),
        (np.ones(1), np.ones(1)),
    ],
)
def test_odd_answers_raise_nothing_and_say_why(old, new):
    check = AgreementCheck()
    look = agreement_look(100, old, new, tolerance=0.05)
    state, (finding,) = check.update(check.begin("demand", frequency=DAY, old=1, new=2, first=100), look)
    assert finding.why
    assert check.compare(look, subject="demand@2", at=date(2024, 3, 1)).why
    assert state.last == 100


def test_answers_of_one_version_alone_are_counted():
    check = AgreementCheck()
    look = agreement_look(100, np.full(5, np.nan), np.ones(5), tolerance=0.05)
    _, (finding,) = check.update(check.begin("demand", frequency=DAY, old=1, new=2, first=100), look)
    assert finding.value is None
    assert finding.severity == "warning"
    assert "5 rows were answered by one of them alone" in finding.why


def test_one_set_of_rows_is_judged_by_its_series():
    chance = np.random.default_rng(5_300_001)
    old = chance.gamma(2.0, 5.0, 500)
    check = AgreementCheck()
    near = agreement_look(0, old, old * 1.001, tolerance=0.05, series=np.arange(500) % 50)
    far = agreement_look(0, old, old * 1.2, tolerance=0.05)
    assert "equal within" in check.compare(near, subject="demand@2", at=date(2024, 3, 1)).why
    assert check.compare(far, subject="demand@2", at=date(2024, 3, 1)).breached


def test_golden_rows_are_right_to_the_last_bit_or_wrong():
    check, wanted = AgreementCheck(), np.array([[1.0, np.nan], [2.0, 3.0]])
    told = wanted.copy()
    assert not check.golden(wanted, told, subject="demand@2", at=date(2024, 3, 1)).breached
    told[1, 0] = np.nextafter(2.0, 3.0)
    finding = check.golden(wanted, told, subject="demand@2", at=date(2024, 3, 1))
    assert finding.breached
    assert finding.value == 0.5
    assert check.golden(np.empty((0, 2)), np.empty((0, 2)), subject="demand@2", at=date(2024, 3, 1)).value is None
