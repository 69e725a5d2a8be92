"""The loss check, on fleets whose change is known."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from finalmile.errors import CorruptError, MissingInputError, UnknownNameError
from finalmile.frames import Frequency
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.loss.state import LossLook, LossReference, LossState
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
REFERENCE = 140
CHECK = LossCheck()


def names(n: int) -> np.ndarray:
    return np.array([f"p{i:04d}" for i in range(n)], dtype=object)


def demand(rng: np.random.Generator, *, n: int, looks: int, rate: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Actual and forecast of products whose means are known to the forecaster; the fleet shares a daily shock."""
    mean = rng.lognormal(np.log(rate), 0.6, n)[:, None] * np.ones(looks)
    shock = np.exp(rng.normal(0, 0.05, looks))
    actual = rng.negative_binomial(2.0, 2.0 / (2.0 + mean * shock)).astype(float)
    return actual, mean


def begin(actual: np.ndarray, forecast: np.ndarray, **settings: object) -> LossState:
    return replace(CHECK, **settings).start(
        LossReference(ids=names(len(actual)), frequency=DAY, first=FIRST, actual=actual, forecast=forecast)
    )


def look(t: int, actual: np.ndarray, forecast: np.ndarray, **more: object) -> LossLook:
    return LossLook(period=FIRST + t, ids=names(len(actual)), actual=actual, forecast=forecast, **more)


def live(
    state: LossState, actual: np.ndarray, forecast: np.ndarray, *, until: int | None = None
) -> tuple[LossState, list[list[Finding]]]:
    told = []
    for t in range(state.last - FIRST + 1, until or actual.shape[1]):
        state, found = CHECK.update(state, look(t, actual[:, t], forecast[:, t]))
        told.append(found)
    return state, told


def pick(found: list[Finding], check: str, subject: str) -> Finding:
    return next(f for f in found if (f.check, f.subject) == (check, subject))


@pytest.fixture(scope="module")
def quiet() -> tuple[np.ndarray, np.ndarray]:
    return demand(np.random.default_rng(11), n=60, looks=REFERENCE + 120)


def test_a_fleet_that_does_as_before_raises_nothing(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    _, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast)
    assert not any(f.breached for found in told for f in found)
    fleet = pick(told[-1], "loss", "fleet")
    assert fleet.value == pytest.approx(fleet.benchmark, rel=0.3)


def test_a_fleet_that_errs_half_more_is_found_within_a_week(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    worse = actual.copy()
    worse[:, REFERENCE:] = forecast[:, REFERENCE:] + 1.5 * (actual - forecast)[:, REFERENCE:]
    _, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), worse, forecast, until=REFERENCE + 30)
    days = [day for day, found in enumerate(told) if pick(found, "loss", "fleet").breached]
    assert days[0] < 7
    last = pick(told[-1], "loss", "fleet")
    assert last.effect == pytest.approx(0.5, abs=0.15)
    assert last.severity == "critical"
    assert last.log_evidence >= last.threshold
    assert abs((last.since - date(2023, 1, 2)).days - REFERENCE) <= 3
    assert f"Since {last.since}" in last.why
    assert not pick(told[-1], "loss", "products").breached  # every product alike: one matter of the fleet


def test_forecasts_too_high_everywhere_are_a_bias_of_the_fleet(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    high = forecast.copy()
    high[:, REFERENCE:] *= 1.3
    _, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, high, until=REFERENCE + 20)
    bias = pick(told[-1], "bias", "fleet")
    assert bias.breached
    assert bias.effect == pytest.approx(0.3, abs=0.1)
    assert "above sales" in bias.why


def test_only_the_products_that_became_worse_are_listed() -> None:
    actual, forecast = demand(np.random.default_rng(12), n=100, looks=REFERENCE + 80, rate=6.0)
    actual[:4, REFERENCE:] *= 3
    _, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast)
    listed = [f.subject for f in told[-1] if f.subject.startswith("product ")]
    assert set(listed) == {f"product p000{i}" for i in range(4)}
    summary = pick(told[-1], "loss", "products")
    assert summary.value == 4
    assert summary.severity == "warning"
    assert all(f.effect > 0.5 and f.log_evidence >= f.threshold - np.log(4) for f in told[-1] if f.subject in listed)


def test_sparse_demand_lists_nobody_without_a_change() -> None:
    actual, forecast = demand(np.random.default_rng(13), n=300, looks=REFERENCE + 250, rate=0.05)
    _, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast)
    assert max(pick(found, "loss", "products").value for found in told) == 0
    assert not any(pick(found, "loss", "fleet").breached for found in told)


def test_a_day_that_upsets_everybody_lists_nobody() -> None:
    actual, forecast = demand(np.random.default_rng(14), n=100, looks=REFERENCE + 40)
    actual[:, REFERENCE + 5 : REFERENCE + 10] *= 4
    _, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast)
    assert max(pick(found, "loss", "products").value for found in told) == 0


def test_an_alarm_ends_when_errors_are_normal_again(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    worse = actual.copy()
    bad = slice(REFERENCE, REFERENCE + 20)
    worse[:, bad] = forecast[:, bad] + 2 * (actual - forecast)[:, bad]
    state, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), worse, forecast)
    alarms = [pick(found, "loss", "fleet").breached for found in told]
    assert all(alarms[10:20])
    assert not any(alarms[70:])
    assert state.fleet_alarm[0] == -1


def test_acknowledging_starts_evidence_anew(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    bad = forecast + 3 * (actual - forecast)
    state, _ = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), bad, forecast, until=REFERENCE + 15)
    assert state.fleet_alarm[0] >= 0
    calm = CHECK.acknowledge(state, ["fleet"])
    assert calm.fleet_alarm.tolist() == [-1, -1]
    assert np.isneginf(calm.fleet.log_r).all()


def test_missing_actuals_are_a_finding_and_no_evidence(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    state = begin(actual[:, :REFERENCE], forecast[:, :REFERENCE])
    after, found = CHECK.update(state, look(REFERENCE, np.full(60, np.nan), forecast[:, 0]))
    assert [(f.check, f.breached, f.value) for f in found] == [("freshness", True, 0.0)]
    assert after.fleet.log_r.tolist() == state.fleet.log_r.tolist()
    assert after.last == FIRST + REFERENCE


def test_skipped_days_are_a_finding(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    state = begin(actual[:, :REFERENCE], forecast[:, :REFERENCE])
    _, found = CHECK.update(state, look(REFERENCE + 3, actual[:, REFERENCE], forecast[:, 0]))
    assert "3 days without actuals" in pick(found, "freshness", "actuals").why


def test_a_look_that_came_before_changes_nothing_and_says_so(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    state = begin(actual[:, :REFERENCE], forecast[:, :REFERENCE])
    after, found = CHECK.update(state, look(REFERENCE - 1, actual[:, 0] * 100, forecast[:, 0]))
    assert after is state
    assert [f.check for f in found] == ["freshness"]
    assert not found[0].breached


def test_half_of_the_products_missing_is_a_finding(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    state = begin(actual[:, :REFERENCE], forecast[:, :REFERENCE])
    part = np.where(np.arange(60) < 20, actual[:, REFERENCE], np.nan)
    _, found = CHECK.update(state, look(REFERENCE, part, forecast[:, REFERENCE]))
    assert pick(found, "freshness", "actuals").breached


def test_a_state_survives_being_stored() -> None:
    actual, forecast = demand(np.random.default_rng(15), n=30, looks=REFERENCE + 20)
    state, _ = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast, until=REFERENCE + 10)
    stored = LossState.from_bytes(state.to_bytes())
    _, told = live(state, actual, forecast)
    _, again = live(stored, actual, forecast)
    assert told == again


def test_bytes_that_are_no_state_are_refused() -> None:
    with pytest.raises(CorruptError, match="cannot be read"):
        LossState.from_bytes(b"PK nonsense")


def test_a_new_product_is_watched_after_its_own_looks_and_then_listed() -> None:
    actual, forecast = demand(np.random.default_rng(16), n=61, looks=REFERENCE + 140, rate=6.0)
    actual[60, :REFERENCE] = np.nan
    actual[60, REFERENCE + 60 :] *= 4
    state = begin(actual[:, :REFERENCE], forecast[:, :REFERENCE])
    assert len(state.ids) == 60
    state, _ = live(state, actual, forecast, until=REFERENCE + 27)
    assert len(state.ids) == 60
    state, told = live(state, actual, forecast)
    assert len(state.ids) == 61
    assert [f.subject for f in told[-1] if f.subject.startswith("product ")] == ["product p0060"]


def test_a_product_that_vanishes_keeps_its_evidence_as_it_was() -> None:
    actual, forecast = demand(np.random.default_rng(17), n=40, looks=REFERENCE + 30)
    state, _ = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast, until=REFERENCE + 10)
    gone = actual.copy()
    gone[0, REFERENCE + 10 :] = np.nan
    after, _ = live(state, gone, forecast)
    assert after.products.log_r[:3].tolist() == state.products.log_r[:3].tolist()


def test_the_order_of_products_in_a_look_does_not_matter() -> None:
    actual, forecast = demand(np.random.default_rng(18), n=40, looks=REFERENCE + 1)
    state = begin(actual[:, :REFERENCE], forecast[:, :REFERENCE])
    turned = LossLook(
        period=FIRST + REFERENCE,
        ids=names(40)[::-1],
        actual=actual[::-1, REFERENCE],
        forecast=forecast[::-1, REFERENCE],
    )
    straight, _ = CHECK.update(state, look(REFERENCE, actual[:, REFERENCE], forecast[:, REFERENCE]))
    reversed_, _ = CHECK.update(state, turned)
    assert reversed_.products.log_r == pytest.approx(straight.products.log_r)


def test_prices_put_money_on_what_is_wrong(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    state = begin(actual[:, :REFERENCE], forecast[:, :REFERENCE])
    bad = forecast + 2 * (actual - forecast)
    for t in range(REFERENCE, REFERENCE + 20):
        state, found = CHECK.update(state, look(t, bad[:, t], forecast[:, t], value_per_unit=np.full(60, 3.0)))
    usual = np.abs(actual - forecast)[:, REFERENCE : REFERENCE + 20].sum(axis=0).mean() * 3.0
    assert pick(found, "loss", "fleet").money_at_risk == pytest.approx(usual, rel=0.25)


def test_a_shop_with_one_product_can_be_watched() -> None:
    actual, forecast = demand(np.random.default_rng(19), n=1, looks=REFERENCE + 60, rate=20.0)
    actual[0, REFERENCE:] *= 5
    _, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast)
    assert pick(told[-1], "bias", "fleet").breached


def test_weeks_are_looks_too() -> None:
    actual, forecast = demand(np.random.default_rng(20), n=50, looks=110)
    weeks = Frequency("week")
    first = weeks.index_of(date(2022, 1, 3))
    state = CHECK.start(
        LossReference(ids=names(50), frequency=weeks, first=first, actual=actual[:, :80], forecast=forecast[:, :80])
    )
    for t in range(80, 110):
        worse = forecast[:, t] + 1.6 * (actual - forecast)[:, t]
        state, found = CHECK.update(
            state, LossLook(period=first + t, ids=names(50), actual=worse, forecast=forecast[:, t])
        )
    assert pick(found, "loss", "fleet").breached
    assert isinstance(pick(found, "loss", "fleet").since, date)


def test_a_fleet_without_any_sale_is_no_error() -> None:
    state = begin(np.zeros((30, REFERENCE)), np.zeros((30, REFERENCE)))
    _, found = CHECK.update(state, look(REFERENCE, np.zeros(30), np.zeros(30)))
    assert not any(f.breached for f in found)


def test_too_short_a_reference_is_refused_with_the_mend() -> None:
    actual, forecast = demand(np.random.default_rng(21), n=5, looks=10)
    with pytest.raises(MissingInputError, match=r"20 periods.*this one has 10"):
        begin(actual, forecast)


def test_settings_are_checked_when_given() -> None:
    with pytest.raises(ValueError, match="warning_arl"):
        LossCheck(arl=100, warning_arl=365)
    with pytest.raises(UnknownNameError, match="Did you mean 'patience'"):
        checks.make("loss", patienc=3)


def test_a_product_that_grows_and_is_forecast_as_well_as_before_is_not_listed() -> None:
    rng = np.random.default_rng(22)
    growth = np.r_[np.ones(REFERENCE), np.linspace(1, 4, 150)]
    mean = 5.0 * np.ones((60, REFERENCE + 150))
    mean[:5] *= growth
    actual = rng.poisson(mean).astype(float)
    _, told = live(begin(actual[:, :REFERENCE], mean[:, :REFERENCE]), actual, mean)
    grown = {f"product p000{i}" for i in range(5)}
    assert not grown & {f.subject for found in told for f in found}


def test_a_day_when_all_was_shut_does_not_blunt_the_check(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    high = forecast.copy()
    high[:, REFERENCE:] *= 1.3
    shut = actual.copy()
    shut[:, REFERENCE - 40] = 0.0
    _, told = live(begin(shut[:, :REFERENCE], forecast[:, :REFERENCE]), actual, high, until=REFERENCE + 20)
    assert pick(told[-1], "bias", "fleet").breached


def test_a_version_that_was_not_live_has_missed_nothing(quiet: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = quiet
    bad = forecast + 3 * (actual - forecast)
    state, _ = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), bad, forecast, until=REFERENCE + 15)
    back = CHECK.resume(state, last=FIRST + REFERENCE + 50)
    assert back.fleet_alarm.tolist() == [-1, -1]
    _, found = CHECK.update(back, look(REFERENCE + 51, actual[:, REFERENCE + 51], forecast[:, REFERENCE + 51]))
    assert not any(f.breached for f in found)
    assert pick(found, "freshness", "actuals").value == 1.0
    assert CHECK.resume(state, last=state.last) is state


def test_products_whose_sales_scatter_more_around_the_same_mean_are_listed() -> None:
    rng = np.random.default_rng(23)
    mean = np.full((80, 200 + 120), 12.0)
    noise = np.ones_like(mean)
    noise[:4, 200:] = rng.gamma(2.0, 0.5, size=(4, 120))
    actual = rng.poisson(mean * noise).astype(float)
    check, first = LossCheck(), 200
    state = check.start(
        LossReference(ids=names(80), frequency=DAY, first=FIRST, actual=actual[:, :first], forecast=mean[:, :first])
    )
    for t in range(first, 320):
        state, found = check.update(state, look(t, actual[:, t], mean[:, t]))
    listed = {f.subject for f in found if f.subject.startswith("product ")}
    assert listed == {f"product p000{i}" for i in range(4)}


def test_a_seasonal_product_of_scattered_demand_that_is_forecast_as_well_as_before_is_not_listed() -> None:
    rng = np.random.default_rng(25)
    mean = np.full((60, 200 + 120), 6.0)
    mean[:10, 200:] *= np.linspace(1, 2, 120)
    actual = rng.negative_binomial(4.0, 4.0 / (4.0 + mean)).astype(float)
    state = begin(actual[:, :200], mean[:, :200])
    for t in range(200, 320):
        state, found = CHECK.update(state, look(t, actual[:, t], mean[:, t]))
        assert pick(found, "loss", "products").value == 0
    assert (state.spread.log_evidence[:10] < 8.0).all()


def test_slow_products_gather_no_evidence_of_scatter() -> None:
    actual, forecast = demand(np.random.default_rng(26), n=30, looks=REFERENCE + 3, rate=0.2)
    state, _ = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, forecast)
    assert np.isneginf(state.spread.log_evidence).all()
    assert np.isneginf(state.counts.log_evidence).all()


def test_products_that_sell_more_erratically_at_the_same_mean_are_listed_with_how_much_wider_they_scatter() -> None:
    rng = np.random.default_rng(5_300_001)
    mean = rng.lognormal(np.log(8.0), 0.4, 120)[:, None] * np.ones(364 + 90)
    demand_now = mean.copy()
    demand_now[:4, 364:] *= rng.gamma(2.0, 0.5, (4, 90))
    actual = rng.negative_binomial(4.0, 4.0 / (4.0 + demand_now)).astype(float)
    state = begin(actual[:, :364], mean[:, :364])
    told: dict[str, Finding] = {}
    for t in range(364, 454):
        state, found = CHECK.update(state, look(t, actual[:, t], mean[:, t]))
        told |= {f.subject: f for f in found if f.subject.startswith("product ")}
    assert len(told) >= 3
    assert set(told) <= {f"product p000{i}" for i in range(4)}
    for one in told.values():
        assert one.since is not None
        assert one.value is not None
        assert one.benchmark is not None
        assert one.value > one.benchmark
        assert one.effect == pytest.approx(one.value / one.benchmark - 1.0)
        assert 3 <= (one.n or 0) <= (one.at - one.since).days + 1  # type: ignore[operator]


def test_a_bias_in_alarm_is_told_by_the_side_that_alarmed_whatever_evidence_the_other_gathers() -> None:
    actual, forecast = demand(np.random.default_rng(5_300_002), n=60, looks=REFERENCE + 60)
    high = forecast.copy()
    high[:, REFERENCE:] *= 1.6
    state, told = live(begin(actual[:, :REFERENCE], forecast[:, :REFERENCE]), actual, high, until=REFERENCE + 20)
    assert "above sales" in pick(told[-1], "bias", "fleet").why
    log_r = state.fleet.log_r.copy()
    log_r[2] = 500.0
    leaning = replace(state, fleet=replace(state.fleet, log_r=log_r))
    _, told = live(leaning, actual, high, until=REFERENCE + 21)
    assert "above sales" in pick(told[-1], "bias", "fleet").why


def test_a_product_among_many_slow_ones_needs_as_much_evidence_as_any_to_be_named() -> None:
    rng = np.random.default_rng(5_300_021)
    mean = np.repeat([6.0, 0.4], [4, 36])[:, None] * np.ones(200)
    state = begin(rng.negative_binomial(2.0, 2.0 / (2.0 + mean)).astype(float), mean)
    fast = state.counts.learned
    assert fast.sum() == 4
    almost, enough = np.log(CHECK.product_arl) - 0.5, np.log(CHECK.product_arl) + 0.5
    for held, named in ((almost, False), (enough, True)):
        counts = replace(state.counts, log_r=np.where(fast[:, None], held, -np.inf))
        spread = replace(state.spread, log_r=np.where(fast[:, None], held, -np.inf))
        products = replace(state.products, log_r=np.where(np.repeat(fast, 3)[:, None], held, -np.inf))
        now = replace(state, counts=counts, spread=spread, products=products)
        assert (now.evidence[fast] > np.log(CHECK.product_arl)).all()
        assert ((now.own_evidence >= np.log(CHECK.product_arl)) == (fast & named)).all()
        assert now.own_evidence[fast] == pytest.approx(held)
