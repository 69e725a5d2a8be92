"""The peer of benchmarks/inventory.py: stockpyl's simulation of (s, S) with backorders, and its exact (s, S) levels.

Runs in an environment of its own (stockpyl 1.0.2 needs numpy 1 and a scipy of that time):
`python stockpyl_inventory.py GAME.npz OUT.npz`. GAME holds demand, lead, point and level of the items to simulate, and
mean, fixed and short of the levels to find. An order of lead time L, placed after a period's demand, serves demand
L + 1 periods later: stockpyl calls that a lead time of L + 1.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from stockpyl.sim import simulation
from stockpyl.ss import s_s_discrete_exact
from stockpyl.supply_chain_network import single_stage_system


def simulated(demand: list[int], lead: int, point: int, level: int) -> tuple[float, ...]:
    """Units on the shelf summed over periods, units short, orders, and units ordered."""
    network = single_stage_system(
        holding_cost=1, stockout_cost=1, demand_type="D", demand_list=demand, shipment_lead_time=lead + 1,
        policy_type="sS", reorder_point=point, order_up_to_level=level, initial_inventory_level=level,
    )  # fmt: skip
    simulation(network, len(demand), rand_seed=0, progress_bar=False)
    states = network.nodes[0].state_vars[: len(demand)]
    stock = np.array([_only(state.inventory_level) for state in states])
    served = sum(_only(state.demand_met_from_stock) for state in states)
    ordered = np.array([_only(state.order_quantity[None]) for state in states])
    return np.maximum(stock, 0).sum(), sum(demand) - served, (ordered > 0).sum(), ordered.sum()


def _only(told: dict[int, float]) -> float:
    (value,) = told.values()
    return value


def main() -> None:
    game = np.load(sys.argv[1])
    began = time.process_time()
    rows = zip(*(game[name].tolist() for name in ("demand", "lead", "point", "level")), strict=True)
    sums = [simulated(*row) for row in rows]
    simulating = time.process_time() - began
    began = time.process_time()
    wanted = zip(*(game[name].tolist() for name in ("mean", "fixed", "short")), strict=True)
    levels = [s_s_discrete_exact(1, short, fixed, True, demand_mean=mean) for mean, fixed, short in wanted]
    optimising = time.process_time() - began
    np.savez(sys.argv[2], sums=np.array(sums), levels=np.array(levels), seconds=np.array([simulating, optimising]))


if __name__ == "__main__":
    main()
