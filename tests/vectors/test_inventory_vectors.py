"""Worked examples with known answers, through public functions; files come from FINALMILE_VECTORS."""

import json
import os
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from finalmile.forecasters.intermittent import smoothed_croston, smoothed_sba, smoothed_tsb
from finalmile.impact.kpis import (
    carrying_cost,
    days_of_supply,
    fill_rate,
    gmroi,
    gross_margin_share,
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
    service_levels,
    supply_uncertainty,
    uncertain_yield,
)
from finalmile.inventory.distributions import (
    Exponential,
    Gamma,
    Geometric,
    LogNormal,
    NegativeBinomial,
    Normal,
    Pmf,
    Poisson,
    Uniform,
    between_percentiles,
    complementary_loss,
    counts,
    sum_of_quantiles,
)
from finalmile.inventory.safety_stock import cover
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
            "gross_margin_pct": gross_margin_share(given["net_sales"], given["cogs"]),
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
    asked = (
        {"cycle_service": given["cycle_service_level"]} if "cycle_service_level" in given else {"factor": given["z"]}
    )
    if "lead_time_demand_sd" in given:
        told = cover(given["lead_time_demand_mean"], given["lead_time_demand_sd"], **asked)
    else:
        periods = given.get("lead_time_mean", given.get("lead_time", 0)) + given.get("review_period", 0)
        spread = {"periods": periods, "lead_sd": given.get("lead_time_sd", 0.0)}
        told = cover(given["demand_mean"], given["demand_sd"], **spread, **asked)
    return {
        "z": told.factor,
        "safety_stock": told.safety_stock,
        "reorder_point": told.level,
        "order_up_to": told.level,
    }


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
    if "low" in given:
        return Uniform(given["low"], given["high"])
    if told == "geometric":
        return Geometric(given["p"])
    if told == "negative_binomial" and "r" in given:
        return NegativeBinomial.of(r=given["r"], p=given["p"])
    mean = given.get("demand_mean", given.get("lead_time_demand_mean", given.get("mean")))
    sd = given.get("demand_sd", given.get("lead_time_demand_sd", given.get("sd")))
    if told == "negative_binomial":
        return counts(mean, sd**2)
    if told == "gamma":
        return Gamma(mean, sd)
    if told == "exponential":
        return Exponential(mean)
    return Poisson(mean) if sd is None else Normal(mean, sd)


def periods_of(given, name="lead_time"):
    return float(Fraction(str(given.get(name, 0))))


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
        known = {int(name[1:]) / 100: units for name, units in given.items() if re.fullmatch(r"P\d+", name)}
        return {f"P{100 * at:g}": between_percentiles(known, at) for at in given["targets"]}
    if "days" in given:
        daily, chance = counts(given["daily_mean"], given["daily_variance"]), given["quantile"]
        return {
            "quantile_of_sum": daily.over(given["days"]).quantile(chance),
            "sum_of_daily_quantiles": sum_of_quantiles(daily, given["days"], chance=chance),
        }
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
    rows = demand[None].astype(np.float32)
    if "tsb" in given["name"]:
        told = smoothed_tsb(rows, alpha_size=given["alpha"], alpha_chance=given.get("beta", given["alpha"]))
    else:
        rule = smoothed_sba if "sba" in given["name"] else smoothed_croston
        told = rule(rows, alpha=given["alpha"])
    return {"forecast": float(told[0, 0])}


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
        demand = demand.over(periods_of(given) + 1)
    if "base_stock_level" in given:
        return {"cost": newsvendor.newsvendor_cost(demand, given["base_stock_level"], **costs)}
    return told_by(newsvendor.newsvendor(demand, **costs))


def reorder(given):
    demand = distribution_of(given).over(periods_of(given))
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
        levels = min_max_levels.power_approximation(
            given["demand_mean"], given["demand_sd"], costs=costs, lead_periods=periods_of(given)
        )
    elif "s" in given:
        levels = min_max_levels.MinMaxLevels(reorder_level=given["s"], order_up_to=given["S"])
        return {"cost": min_max_levels.cost_of(distribution_of(given), levels, costs=costs)}
    else:
        demand = distribution_of(given)
        levels = min_max_levels.exact(demand, costs=costs, window=demand.over(periods_of(given) + 1))
    return {"s": levels.reorder_level, "S": levels.order_up_to, "cost": levels.cost_rate}


def supply(given):
    costs = named(given, "fixed_cost", "holding_cost", "stockout_cost", "demand_rate")
    if "disruption_rate" in given:
        rates = named(given, "disruption_rate", "recovery_rate")
        if "order_quantity" in given:
            cost = supply_uncertainty.quantity_with_disruptions_cost(given["order_quantity"], **costs, **rates)
            return {"cost_rate": cost, "cost": cost}
        told = supply_uncertainty.quantity_with_disruptions(
            **costs, **rates, approximate=given.get("approximate", False)
        )
        return told_by(told, cost=told.cost_rate)
    demand = given.get("demand", given.get("demand_mean"))
    if "disruption_prob" in given:
        costs |= named(given, "disruption_prob", "recovery_prob")
        if "base_stock_level" in given:
            level = given["base_stock_level"]
            return {"cost": supply_uncertainty.base_stock_with_disruptions_cost(level, demand, **costs)}
        return told_by(supply_uncertainty.base_stock_with_disruptions(demand, **costs))
    if "stockout_cost" in given:
        yielded = distribution_of({"mean": given["yield_mean"], "sd": given["yield_sd"]})
        return told_by(uncertain_yield.base_stock_with_additive_yield(demand, yielded, **costs))
    spread = named(given, "yield_mean", "yield_sd")
    kind = "multiplicative" if "multiplicative" in given["name"] else "additive"
    if "order_quantity" in given:
        rule = getattr(uncertain_yield, f"quantity_with_{kind}_yield_cost")
        cost = rule(given["order_quantity"], **costs, **spread)
        return {"cost_rate": cost, "cost": cost}
    told = getattr(uncertain_yield, f"quantity_with_{kind}_yield")(**costs, **spread)
    return told_by(told, cost=told.cost_rate)


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
    "supply_uncertainty": supply,
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
