"""The loss check of groups, on fleets whose change is known."""

import re
from datetime import date

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.monitoring.checks.loss_groups import LossGroupsCheck
from finalmile.monitoring.loss.grouped import GroupState
from finalmile.monitoring.loss.state import LossLook, LossReference
from finalmile.records import Finding

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
REFERENCE, N = 120, 60
CHECK = LossGroupsCheck()
IDS = np.array([f"p{i}" for i in range(N)], dtype=object)
CATEGORY = np.array(["drinks", "bread", "fruit", "dairy"] * (N // 4), dtype=object)
GROUPS = {"category": CATEGORY, "sku": IDS}


def demand(seed: int, *, looks: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    forecast = rng.lognormal(1.5, 0.5, N)[:, None] * np.ones(looks)
    shock = np.exp(rng.normal(0, 0.05, looks))
    return rng.poisson(forecast * shock).astype(float), forecast


def begin(actual: np.ndarray, forecast: np.ndarray) -> GroupState:
    reference = LossReference(
        ids=IDS, frequency=DAY, first=FIRST, actual=actual[:, :REFERENCE], forecast=forecast[:, :REFERENCE]
    )
    return CHECK.start(reference, groups=GROUPS)


def live(
    state: GroupState, actual: np.ndarray, forecast: np.ndarray, **more: object
) -> tuple[GroupState, list[list[Finding]]]:
    told = []
    for t in range(state.streams.last - FIRST + 1, actual.shape[1]):
        look = LossLook(period=FIRST + t, ids=IDS, actual=actual[:, t], forecast=forecast[:, t], **more)
        state, found = CHECK.update(state, look, groups=GROUPS)
        told.append(found)
    return state, told


def breached(found: list[Finding]) -> set[tuple[str, str]]:
    return {(one.check, one.subject) for one in found if one.breached}


def test_a_category_that_jumps_is_named_within_a_week_and_the_others_are_not() -> None:
    actual, forecast = demand(41, looks=REFERENCE + 14)
    actual[CATEGORY == "drinks", REFERENCE:] *= 1.4
    _, told = live(begin(actual, forecast), actual, forecast, value_per_unit=np.full(N, 2.0))
    days = [day for day, found in enumerate(told, start=1) if ("bias", "category drinks") in breached(found)]
    assert days[0] <= 7
    assert {subject for found in told for _, subject in breached(found)} == {"category drinks"}
    bias = next(one for one in told[-1] if one.subject == "category drinks" and one.check == "bias")
    assert 1.0 / (1.0 + bias.effect) == pytest.approx(1.4, abs=0.1)
    assert re.fullmatch(
        r"Category drinks sold [34]\d% more than forecast since 2023-05-0\d, about [2-4]\d units a day, "
        r"what all groups share taken out.",
        bias.why,
    )
    assert abs((bias.since - date(2023, 5, 2)).days) <= 2
    assert bias.money_at_risk is not None
    assert bias.money_at_risk > 0


def test_a_best_seller_that_leaps_about_does_not_hide_what_its_category_does() -> None:
    actual, forecast = demand(49, looks=REFERENCE + 14)
    leaps = np.random.default_rng(50).gamma(1.5, 1 / 1.5, actual.shape[1])
    forecast[0] = 200.0
    actual[0] = np.random.default_rng(51).poisson(200.0 * leaps)
    actual[CATEGORY == "drinks", REFERENCE:] *= 1.4
    _, told = live(begin(actual, forecast), actual, forecast)
    days = [day for day, found in enumerate(told, start=1) if ("bias", "category drinks") in breached(found)]
    assert days[0] <= 7
    assert {subject for found in told for _, subject in breached(found)} == {"category drinks"}


def test_what_all_groups_share_names_none_of_them() -> None:
    actual, forecast = demand(42, looks=REFERENCE + 30)
    actual[:, REFERENCE:] *= 2
    _, told = live(begin(actual, forecast), actual, forecast)
    assert not any(breached(found) for found in told)
    assert told[-1][0].subject == "groups by category"
    assert told[-1][0].value == 0


def test_a_quiet_half_year_names_no_group() -> None:
    actual, forecast = demand(43, looks=REFERENCE + 180)
    _, told = live(begin(actual, forecast), actual, forecast)
    assert not any(breached(found) for found in told)


def test_an_alarm_ends_and_is_told_of_for_a_while_so_that_its_incident_can_close() -> None:
    actual, forecast = demand(44, looks=REFERENCE + 90)
    actual[CATEGORY == "drinks", REFERENCE : REFERENCE + 15] *= 1.6
    state, told = live(begin(actual, forecast), actual, forecast)
    assert (state.streams.alarm < 0).all()
    after = [one for one in told[45] if one.subject == "category drinks" and one.check == "bias"]
    assert [one.breached for one in after] == [False]


def test_acknowledging_and_resuming_start_evidence_anew() -> None:
    actual, forecast = demand(45, looks=REFERENCE + 14)
    actual[CATEGORY == "drinks", REFERENCE:] *= 1.5
    state, _ = live(begin(actual, forecast), actual, forecast)
    assert (state.streams.alarm >= 0).any()
    assert (CHECK.acknowledge(state, ["category drinks"]).streams.alarm < 0).all()
    back = CHECK.resume(state, last=FIRST + REFERENCE + 60)
    assert (back.streams.alarm < 0).all()
    assert back.streams.last == FIRST + REFERENCE + 60


def test_a_state_survives_being_stored() -> None:
    actual, forecast = demand(46, looks=REFERENCE + 10)
    state = begin(actual, forecast)
    _, told = live(state, actual, forecast)
    _, again = live(GroupState.from_bytes(state.to_bytes()), actual, forecast)
    assert told == again


def test_trouble_in_the_data_is_no_error() -> None:
    actual, forecast = demand(47, looks=REFERENCE + 4)
    state = begin(actual, forecast)
    for t, odd in enumerate((np.nan, np.inf, 0.0)):
        look = LossLook(period=FIRST + REFERENCE + t, ids=IDS, actual=np.full(N, odd), forecast=forecast[:, 0])
        state, found = CHECK.update(state, look, groups={} if t == 1 else GROUPS)
        assert found[0].subject == "groups by category"
    same, found = CHECK.update(state, look, groups=GROUPS)
    assert same is state
    assert found == []


def test_no_usable_attribute_is_refused_with_the_mend() -> None:
    actual, forecast = demand(48, looks=REFERENCE)
    reference = LossReference(ids=IDS, frequency=DAY, first=FIRST, actual=actual, forecast=forecast)
    with pytest.raises(MissingInputError, match="add a column to the items"):
        CHECK.start(reference, groups={"shop": np.full(N, "one", dtype=object)})


def test_groups_that_the_reference_knew_too_little_of_make_it_no_harder_to_name_another() -> None:
    actual, forecast = demand(5_300_300, looks=REFERENCE + 14)
    actual[CATEGORY == "drinks", REFERENCE:] *= 1.4
    unknown = actual.copy()
    unknown[CATEGORY == "dairy", : REFERENCE - 10] = np.nan
    thresholds = []
    for one in (actual, unknown):
        _, told = live(begin(one, forecast), one, forecast)
        named = [found for found in told[-1] if (found.check, found.subject) == ("bias", "category drinks")]
        thresholds.append(named[0].threshold)
    whole, without = thresholds
    assert without == pytest.approx(whole - np.log(8 / 6))
