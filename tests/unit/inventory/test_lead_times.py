"""Lead times from what is given and from what came, and what they make of the demand to be covered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.frames import Cumulative
from finalmile.inventory import PointDemand, position, protection_windows
from finalmile.inventory.drawn_leads import drawn_leads
from finalmile.inventory.lead_times import (
    SHARES,
    certain,
    from_mean_sd,
    from_pmf,
    from_sample,
    side_by_side,
    told_at,
)
from finalmile.inventory.order_crossover import effective
from finalmile.inventory.policies import policies
from finalmile.inventory.position import protection_shares
from finalmile.inventory.protection import LAW_LEVELS

samples = st.lists(st.integers(0, 90), min_size=1, max_size=300).map(lambda days: np.array(days, dtype=float))
QUANTILES = np.array([1.0, 1.3, 1.5, 1.7, 2.0, 2.2])


@given(samples)
def test_a_sample_keeps_its_mean_and_never_gets_wider(days):
    told = from_sample(days)
    assert sum(told.shares) == pytest.approx(1)
    assert told.mean == pytest.approx(days.mean(), abs=0.51)
    assert days.min() <= told.periods[0]
    assert told.periods[-1] <= days.max()
    assert told.sd <= days.std() + 0.51
    assert len(told.periods) <= len(SHARES)


@given(samples)
def test_few_lengths_are_told_as_they_are(days):
    if len(np.unique(days)) <= len(SHARES):
        lengths, counts = np.unique(days, return_counts=True)
        told = from_sample(days)
        assert told.periods == tuple(lengths.astype(int))
        assert told.shares == pytest.approx(counts / len(days))


@given(st.floats(1, 60), st.floats(0.1, 1.2))
def test_a_mean_and_a_deviation_are_kept_as_well_as_eight_whole_lengths_can(mean, variation):
    told = from_mean_sd(mean, variation * mean)
    assert told.mean == pytest.approx(mean, abs=0.55)
    assert told.sd == pytest.approx(variation * mean, rel=0.12, abs=0.6)


@given(st.integers(1, 60), st.sampled_from([1, 7, 30]), st.floats(0.001, 0.1))
def test_a_lead_time_that_hardly_varies_is_no_shorter_than_one_that_does_not_vary(days, length, deviation):
    sure = from_mean_sd(days / length, 0.0)
    assert from_mean_sd(days / length, deviation / length, days=length).periods == sure.periods


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("lengths", [[2, 2, 9, 30], [0, 5, 14, 15], [6]])
def test_what_stock_feels_is_the_wait_for_as_many_deliveries_as_there_were_orders(lengths, every):
    """Orders drawn one by one, their arrivals sorted: nothing of the formula."""
    chance = np.random.default_rng(1)
    took = chance.choice(lengths, size=200_000)
    ordered = np.arange(len(took)) * every
    waits = np.sort(ordered + took) - ordered
    pmf = np.bincount(lengths) / len(lengths)
    felt = effective(pmf, every=every)
    drawn = np.bincount(waits[200:-200], minlength=len(felt))[: len(felt)] / len(waits[200:-200])
    assert felt == pytest.approx(drawn, abs=0.006)
    assert felt @ np.arange(len(felt)) == pytest.approx(np.mean(lengths))


def test_orders_too_far_apart_to_overtake_wait_as_single_ones():
    pmf = [0, 0.2, 0, 0.5, 0.3]
    assert effective(pmf, every=5) == pytest.approx(pmf)


@given(samples, st.lists(st.integers(0, 100), min_size=1, max_size=9, unique=True))
def test_told_at_other_lengths_a_lead_time_keeps_its_mean_between_them(days, lengths):
    lead = from_sample(days)
    told = told_at(lead, sorted(lengths))
    assert set(told.periods) <= set(lengths)
    clipped = np.clip(lead.periods, min(lengths), max(lengths))
    assert told.mean == pytest.approx(float(clipped @ np.array(lead.shares)))


def test_probabilities_are_taken_as_they_are():
    told = from_pmf([0, 1, 0, 3])
    assert (told.periods, told.shares, told.planned) == ((1, 3), (0.25, 0.75), 3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: from_pmf([0.5, -0.5]), "none may be negative"),
        (lambda: from_pmf([0.0]), "one must be above 0"),
        (lambda: from_sample(np.array([])), "at least one delivery"),
        (lambda: from_sample(np.array([3.0, -1.0])), "negative"),
        (lambda: from_mean_sd(-1.0, 2.0), "neither may be negative"),
        (lambda: certain(-1), "ascend from 0"),
        (lambda: shop(side_by_side([certain(1), certain(2)])), "of 2 items"),
    ],
)
def test_what_cannot_be_a_lead_time_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def shop(times, *, review=7):
    return position(
        np.array(["a"], dtype=object),
        on_hand=np.zeros(1),
        lead_periods=np.ceil(times.mean[:1] - 1e-9).astype(int),
        review_periods=np.array([review]),
        unit_cost=np.ones(1),
        unit_price=np.full(1, 50.0),
        lead_times=times,
    )


def told_for(at, daily=2.0):
    windows = protection_windows(at)
    mean = (daily * windows).astype(np.float32)
    values = (mean[:, :, None] * QUANTILES).astype(np.float32)
    methods = np.full(at.n, "cqr", dtype=object)
    return Cumulative(windows=windows, mean=mean, levels=LAW_LEVELS, values=values, methods=methods)


CUMULATIVE = [name for name in policies if policies.make(name).needs == "cumulative"]


@pytest.mark.parametrize("name", CUMULATIVE)
def test_a_certain_lead_time_orders_like_none_that_is_told(name):
    told_as_distribution = shop(side_by_side([certain(5)]))
    plain = position(
        np.array(["a"], dtype=object),
        on_hand=np.zeros(1),
        lead_periods=np.array([5]),
        review_periods=np.array([7]),
        unit_cost=np.ones(1),
        unit_price=np.full(1, 50.0),
    )
    policy = policies.make(name)
    one, other = (policy(at, told_for(at)) for at in (told_as_distribution, plain))
    assert one.level[0] == other.level[0]
    assert one.quantity[0] == other.quantity[0]


@pytest.mark.parametrize("name", CUMULATIVE)
def test_a_lead_time_that_varies_needs_more_than_its_mean(name):
    """Nine deliveries in ten take 5 days, one takes 40: their mean is 9 days, planned with 9."""
    policy = policies.make(name)
    vary, mean = (shop(side_by_side([times])) for times in (from_pmf([0] * 5 + [0.9] + [0] * 34 + [0.1]), certain(9)))
    assert policy(vary, told_for(vary)).level[0] > 1.2 * policy(mean, told_for(mean)).level[0]


def test_the_level_is_the_quantile_of_demand_drawn_over_lengths_drawn():
    """Draws know nothing of mixtures: first a length, then a demand by interpolation of its quantiles."""
    at = shop(side_by_side([from_pmf([0.0, 0.3, 0.0, 0.5, 0.0, 0.0, 0.2])]))
    chance = np.random.default_rng(5)
    lengths = chance.choice(protection_windows(at)[0], size=400_000, p=protection_shares(at)[0])
    luck = chance.uniform(size=len(lengths))
    far = np.log(0.02 / 0.01)
    unit = np.interp(luck, [0, *LAW_LEVELS], [0, *QUANTILES])
    unit = np.where(
        luck > 0.99, QUANTILES[-1] + (QUANTILES[-1] - QUANTILES[-2]) / far * np.log(0.01 / (1 - luck)), unit
    )
    level = policies.make("order_up_to", cycle_service=0.98)(at, told_for(at)).level[0]
    assert level == pytest.approx(np.quantile(2.0 * lengths * unit, 0.98), abs=1.05)


def test_the_textbook_adds_the_variance_of_the_lead_time():
    at = shop(side_by_side([from_pmf([0, 0.5, 0, 0.5])]))
    demand = PointDemand(mean=np.full((1, 20), 10.0), sd=np.array([3.0]))
    level = policies.make("normal_order_up_to")(at, demand).level[0]
    assert level == pytest.approx(90 + 2.053749 * np.sqrt(9 * 9 + 100 * 1), abs=1e-4)


def test_items_of_certain_and_of_varying_lead_times_stand_side_by_side():
    both = side_by_side([certain(3), from_pmf([0, 0.5, 0, 0, 0.5])])
    assert both.vary.tolist() == [False, True]
    assert both.mean.tolist() == [3, 2.5]
    assert both.sd.tolist() == [0, 1.5]


def test_a_simulation_draws_single_deliveries_and_lets_them_overtake_where_stock_feels_that():
    """Drawing the felt lengths would correct for overtaking twice."""
    single = from_pmf([0, 0, 0.5, 0, 0, 0, 0, 0, 0.5])
    felt = from_pmf([0, 0, 0.5, 0, 0, 0, 0, 0, 0.5], every=2)
    terms = {"on_hand": np.zeros(1), "lead_periods": np.array([5])}
    ids = np.array(["a"], dtype=object)
    both = drawn_leads(position(ids, lead_times=side_by_side([felt]), deliveries=side_by_side([single]), **terms))
    alone = drawn_leads(position(ids, lead_times=side_by_side([single]), **terms))
    assert felt.sd < single.sd
    assert both.crossing
    assert not alone.crossing
    assert both.marks.tolist() == alone.marks.tolist()
