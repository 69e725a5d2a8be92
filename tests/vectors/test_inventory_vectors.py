"""Worked examples with known answers, through public functions; files come from FINALMILE_VECTORS."""

import json
import os
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from finalmile.forecasters.intermittent import smoothed_sba
from finalmile.impact.kpis import (
    carrying_cost,
    days_of_supply,
    fill_rate,
    gmroi,
    in_stock_share,
    no_shortage_share,
    turnover,
)
from finalmile.inventory import (
    censored,
    demand_class,
    discounts,
    eoq,
    joint_replenishment,
    lot_sizing,
    min_max_levels,
    newsvendor,
    reorder_quantity,
    safety_factor,
    safety_stock,
    service_levels,
)
from finalmile.inventory.distributions import (
    LogNormal,
    NegativeBinomial,
    Normal,
    Pmf,
    Poisson,
    complementary_loss,
    counts,
)
from finalmile.metrics import Scored, metrics
from finalmile.simulation import opening, trade


def _cases():
    paths = [Path(one) for one in os.environ.get("FINALMILE_VECTORS", "").split(os.pathsep) if one]
    files = [file for one in paths for file in ([one] if one.is_file() else sorted(one.glob("inventory*.json")))]
    return [case for file in files if file.name.startswith("inventory") for case in json.loads(file.read_text())]


CASES = _cases()


def kpi(given):
    if "demand" in given:
        return _one_week(given)
    if "carrying_cost" in given["name"]:
        return {
            "carrying_cost": carrying_cost(
                given["average_inventory_at_cost"], rate_per_year=given["annual_carrying_rate"], days=given["days"]
            )
        }
    if "net_sales" in given:
        margin, stock = given["net_sales"] - given["cogs"], given["average_inventory_at_cost"]
        return {
            "gmroi": gmroi(margin, stock),
            "gross_margin_pct": margin / given["net_sales"],
            "turnover": turnover(given["cogs"], stock, days=365),
        }
    average = float(np.mean(given["daily_inventory_value_at_cost"]))
    told = {"days": given["period_days"]}
    return {
        "average_inventory": average,
        "turnover": turnover(given["cogs_for_period"], average, **told),
        "days_of_supply": days_of_supply(given["cogs_for_period"], average, **told),
    }


def _one_week(given):
    """Each day opens with the stock given: what is sold of it is what the simulation sells."""
    demand, available = (np.array([given[name]], dtype=float) for name in ("demand", "on_hand_before_demand"))
    days = [trade(opening(available[:, t], max_lead=0), demand[:, t]) for t in range(demand.shape[1])]
    sold, lost = (np.stack([getattr(day, name) for day in days], axis=1) for name in ("sold", "lost"))
    return {
        "sales": sold[0],
        "lost_units": lost.sum(),
        "fill_rate": fill_rate(sold, lost),
        "days_without_shortage_all_days": no_shortage_share(lost),
        "days_without_shortage_demand_days": no_shortage_share(lost, demand=demand),
        "in_stock_start_of_day": in_stock_share(available),
    }


def safety(given):
    z = safety_factor(given["cycle_service_level"]) if "cycle_service_level" in given else given["z"]
    if "lead_time_demand_sd" in given:
        held = _one(given["lead_time_demand_sd"], periods=1, factor=z)
        return {"safety_stock": held, "reorder_point": given["lead_time_demand_mean"] + held}
    periods = given.get("lead_time_mean", given.get("lead_time", 0)) + given.get("review_period", 0)
    lead_sd = given.get("lead_time_sd", 0.0)
    held = _one(given["demand_sd"], periods=periods, factor=z, mean=given["demand_mean"], lead_sd=lead_sd)
    level = given["demand_mean"] * periods + held
    return {"z": z, "safety_stock": held, "reorder_point": level, "order_up_to": level}


def _one(sd, *, periods, factor, mean=0.0, lead_sd=0.0):
    sd, periods, mean, lead_sd = (np.array([float(value)]) for value in (sd, periods, mean, lead_sd))
    return float(safety_stock(sd, periods, factor=factor, mean=mean, lead_sd=lead_sd)[0])


def distribution_of(given):
    """Demand in any of the ways in which the examples write it."""
    told = given.get("demand", given.get("lead_time_demand", given.get("distribution")))
    if "demand_pmf" in given:
        return Pmf.of({int(units): chance for units, chance in given["demand_pmf"].items()})
    if isinstance(told, str) and (found := re.fullmatch(r"(?i)poisson(?:\(|_lam)([\d.]+)\)?", told)):
        return Poisson(float(found[1]))
    if isinstance(told, str) and (found := re.fullmatch(r"(?i)nb_mean([\d.]+)_var([\d.]+)", told)):
        return counts(float(found[1]), float(found[2]))
    if "mu" in given:
        return LogNormal(given["mu"], given["sigma"])
    if told == "negative_binomial" and "r" in given:
        return NegativeBinomial.of(r=given["r"], p=given["p"])
    mean = given.get("demand_mean", given.get("lead_time_demand_mean", given.get("mean")))
    sd = given.get("demand_sd", given.get("lead_time_demand_sd", given.get("sd")))
    if told == "negative_binomial":
        return counts(mean, sd**2)
    return Poisson(mean) if sd is None else Normal(mean, sd)


def over_lead_time(given):
    lead = float(Fraction(str(given["lead_time"])))
    mean, sd = given["demand_mean"] * lead, given.get("demand_sd")
    return Poisson(mean) if sd is None else Normal(mean, sd * lead**0.5)


def named(given, *names):
    return {name: given[name] for name in names if name in given}


def told_by(result, **extra):
    return {name: getattr(result, name) for name in result.__dataclass_fields__} | extra


def accuracy(given):
    actual, forecast = (np.array([given[name]], dtype=float) for name in ("actual", "forecast"))
    scored = Scored(actual=actual, forecast=forecast)
    told = {name: metrics.make(name)(scored) for name in ("mae", "wape", "rmse", "bias")}
    undefined = actual.size * (1 - metrics.make("mape_rows")(scored))
    return told | {
        "bias": told["bias"] * actual.sum(),
        "bias_pct": told["bias"],
        "mape_undefined_points": undefined,
    }


def censored_demand(given):
    sold, ran_out = np.array(given["sales"], dtype=float), np.array(given["stockout"])
    return {
        "lam": censored.censored_poisson_rate(sold, stockout=ran_out),
        "naive_mean": censored.censored_poisson_rate(sold, stockout=np.zeros_like(ran_out)),
        "mean_uncensored_only": censored.censored_poisson_rate(sold[~ran_out], stockout=ran_out[~ran_out]),
    }


def distribution(given):
    if "P10" in given:
        levels = sorted(int(name[1:]) for name in given if re.fullmatch(r"P\d+", name))
        values = [given[f"P{level}"] for level in levels]
        return {f"P{100 * at:g}": np.interp(at, [level / 100 for level in levels], values) for at in given["targets"]}
    if "days" in given:
        daily = counts(given["daily_mean"], given["daily_variance"])
        summed = counts(given["daily_mean"] * given["days"], given["daily_variance"] * given["days"])
        added = given["days"] * daily.quantile(given["quantile"])
        return {"quantile_of_sum": summed.quantile(given["quantile"]), "sum_of_daily_quantiles": added}
    demand = counts(given["mean"], given["variance"])
    shape = {"r": demand.r, "p": demand.p} if isinstance(demand, NegativeBinomial) else {}
    return shape | {"value": demand.quantile(given["quantile"])}


def order_quantity(given):
    costs = named(given, "fixed_cost", "holding_cost", "demand_rate", "stockout_cost", "production_rate")
    if "shared_fixed_cost" in given:
        names = ("shared_fixed_cost", "individual_fixed_costs", "holding_costs", "demand_rates")
        supplier = joint_replenishment.SupplierCosts(**named(given, *names))
        return told_by(joint_replenishment.silver_joint_replenishment(supplier))
    if "breakpoints" in given:
        rule = discounts.incremental_discount if "incremental" in given["name"] else discounts.all_units_discount
        costs |= named(given, "holding_cost_rate")
        return told_by(rule(given["breakpoints"], given["unit_costs"], **costs))
    if "order_quantity" in given:
        return {"cost_rate": eoq.order_quantity_cost(given["order_quantity"], **costs)}
    if "stockout_cost" in given:
        return told_by(eoq.quantity_with_backorders(**costs))
    if "production_rate" in given:
        return told_by(eoq.economic_production_quantity(**costs))
    return told_by(eoq.economic_order_quantity(**costs))


def intermittent(given):
    demand = np.array(given["demand"], dtype=float)
    if "alpha" not in given:
        told = demand_class.demand_class(demand)
        return {"adi": told.adi, "cv2": told.cv2, "cls": told.kind}
    sba = float(smoothed_sba(demand[None].astype(np.float32), alpha=given["alpha"])[0, 0])
    return {"forecast": sba if "sba" in given["name"] else sba / (1 - given["alpha"] / 2)}


def loss(given):
    demand = distribution_of(given)
    return {
        "loss": demand.loss(given["level"]),
        "complementary_loss": complementary_loss(demand, given["level"]),
    }


def lots(given):
    rule = lot_sizing.silver_meal if "silver_meal" in given["name"] else lot_sizing.wagner_whitin
    return told_by(rule(given["demand"], **named(given, "fixed_cost", "holding_cost")))


def one_decision(given):
    demand, costs = distribution_of(given), named(given, "holding_cost", "stockout_cost")
    if "revenue" in given:
        return told_by(
            newsvendor.newsvendor_profit(demand, **named(given, "revenue", "purchase_cost", "salvage_value"))
        )
    if "lead_time" in given:
        periods = float(Fraction(str(given["lead_time"]))) + 1
        wider = {"demand_mean": given["demand_mean"] * periods}
        if "demand_sd" in given:
            wider["demand_sd"] = given["demand_sd"] * periods**0.5
        demand = distribution_of(wider)
    if "base_stock_level" in given:
        return {"cost": newsvendor.newsvendor_cost(demand, given["base_stock_level"], **costs)}
    return told_by(newsvendor.newsvendor(demand, **costs))


def reorder(given):
    demand = over_lead_time(given)
    costs = reorder_quantity.Costs(**named(given, "fixed_cost", "holding_cost", "stockout_cost"))
    rest = {"demand_rate": given["demand_mean"], "costs": costs}
    if "reorder_point" in given:
        quantity, point = given["order_quantity"], given["reorder_point"]
        return {"cost_rate": reorder_quantity.expected_cost(demand, point, order_quantity=quantity, **rest)}
    if "order_quantity" in given:
        point = reorder_quantity.best_reorder_point(demand, order_quantity=given["order_quantity"], costs=costs)
        return {"reorder_point": point}
    if isinstance(demand, Poisson):
        return told_by(reorder_quantity.exact(demand, **rest))
    rules = {
        "eoqb": reorder_quantity.eoq_with_backorders,
        "eoq_plus": reorder_quantity.eoq_with_safety_stock,
        "loss_function": reorder_quantity.loss_function,
        "expected_inventory_level": reorder_quantity.hadley_whitin,
    }
    (rule,) = [rule for name, rule in rules.items() if name in given["name"]]
    return told_by(rule(demand, **rest))


def service(given):
    demand = distribution_of(given)
    if "base_stock_level" in given:
        return told_by(service_levels.base_stock_service(demand, given["base_stock_level"]))
    quantity = {"order_quantity": given["order_quantity"]}
    if "fill_rate" in given:
        target = given["fill_rate"]
        point = service_levels.reorder_point_for_fill_rate(demand, fill_rate=target, **quantity)
        implied = service_levels.cycle_service_for_fill_rate(demand, fill_rate=target, **quantity)
        return {
            "reorder_point": point,
            "safety_stock": point - demand.mean,
            "implied_cycle_service_level": implied,
        }
    point = given["reorder_point"]
    return {
        "fill_rate": service_levels.fill_rate(demand, point, **quantity),
        "cycle_service_level": demand.cdf(point),
        "fill_rate_one_term_approx": service_levels.fill_rate_one_term(demand, point, **quantity),
    }


def min_max(given):
    costs = reorder_quantity.Costs(**named(given, "fixed_cost", "holding_cost", "stockout_cost"))
    if "demand_sd" in given:
        lead = float(Fraction(str(given.get("lead_time", 0))))
        levels = min_max_levels.power_approximation(
            given["demand_mean"], given["demand_sd"], costs=costs, lead_periods=lead
        )
    elif "s" in given:
        levels = min_max_levels.MinMaxLevels(reorder_level=given["s"], order_up_to=given["S"])
        return {"cost": min_max_levels.cost_of(distribution_of(given), levels, costs=costs)}
    else:
        demand = distribution_of(given)
        periods = 1 + float(Fraction(str(given.get("lead_time", 0))))
        window = Poisson(demand.mean * periods) if isinstance(demand, Poisson) else demand
        levels = min_max_levels.exact(demand, costs=costs, window=window)
    return {"s": levels.reorder_level, "S": levels.order_up_to, "cost": levels.cost_rate}


FAMILIES = {
    "accuracy": accuracy,
    "censored": censored_demand,
    "distribution": distribution,
    "eoq": order_quantity,
    "intermittent": intermittent,
    "kpi": kpi,
    "loss": loss,
    "lot_sizing": lots,
    "newsvendor": one_decision,
    "rq": reorder,
    "safety_stock": safety,
    "service_level": service,
    "ss": min_max,
}


@pytest.mark.skipif(not CASES, reason="FINALMILE_VECTORS names no inventory vectors")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_published_answer_comes_out(case):
    family = FAMILIES.get(case["family"])
    assert family, f"no public function answers the family {case['family']!r}; known: {', '.join(sorted(FAMILIES))}"
    told = family({**case["inputs"], "name": case["name"]})
    tolerance = case["tolerance"]
    for name, expected in case["expected"].items():
        if isinstance(expected, str):
            assert told[name] == expected, name
        else:
            assert told[name] == pytest.approx(expected, rel=tolerance["rel"], abs=tolerance["abs"]), name
