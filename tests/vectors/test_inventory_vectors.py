"""Worked examples with known answers, through public functions; files come from FINALMILE_VECTORS."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from finalmile.impact.kpis import (
    carrying_cost,
    days_of_supply,
    fill_rate,
    gmroi,
    in_stock_share,
    no_shortage_share,
    turnover,
)
from finalmile.inventory import safety_factor, safety_stock
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


FAMILIES = {"kpi": kpi, "safety_stock": safety}


@pytest.mark.skipif(not CASES, reason="FINALMILE_VECTORS names no inventory vectors")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_published_answer_comes_out(case):
    family = FAMILIES.get(case["family"])
    if family is None:
        pytest.skip(f"no function of the family {case['family']!r} yet")
    told = family({**case["inputs"], "name": case["name"]})
    tolerance = case["tolerance"]
    for name, expected in case["expected"].items():
        assert told[name] == pytest.approx(expected, rel=tolerance["rel"], abs=tolerance["abs"]), name
