"""The loop behind exact (r, Q) of many products; imported only when one is asked for, as importing it loads numba."""

from __future__ import annotations

import numpy as np

from finalmile.inventory.min_max_loops import counts_pmf, stock_cost
from finalmile.simulation import UnitsArray
from finalmile.simulation.jit import compiled


@compiled
def growing_lots(window: UnitsArray, held: float, short: float, most: int) -> tuple[UnitsArray, UnitsArray]:
    """The cheapest positions above 0 first: of lots of 1 to ``most`` units their points, and sums of stock cost."""
    mean = 0.0
    for k in range(len(window)):
        mean += k * window[k]
    size = len(window) + 64
    cost = stock_cost(window, held, short, size)
    best = 0
    while best + 1 < size and cost[best + 1] < cost[best]:
        best += 1
    best = max(best, 1)
    points, sums = np.zeros(most), np.zeros(most)
    low, high, total = best - 1, best, cost[best]
    for quantity in range(most):
        points[quantity], sums[quantity] = low, total
        down = cost[low] if low > 0 else np.inf
        up = cost[high + 1] if high + 1 < size else held * (high + 1 - mean)
        if down <= up:
            low, total = low - 1, total + down
        else:
            high, total = high + 1, total + up
    return points, sums


@compiled
def many_lots(given: UnitsArray, wanted: UnitsArray, told: UnitsArray) -> None:
    """Point and lot of every product.

    ``given`` holds mean, variance, reviews covered, fixed, held, short; ``wanted`` the lot where it is not to be found,
    else 0; ``told`` gets point and lot.
    """
    for row in range(len(given)):
        mean, variance, reviews, fixed, held, short = given[row]
        window = counts_pmf(mean * reviews, variance * reviews)
        quantity, most = int(wanted[row]), max(int(wanted[row]), 64)
        points, sums = growing_lots(window, held, short, most)
        while quantity < 1:
            for k in range(most - 1):
                if sums[k + 1] - sums[k] >= (fixed * mean + sums[k]) / (k + 1):
                    quantity = k + 1
                    break
            if quantity < 1:
                most *= 4
                points, sums = growing_lots(window, held, short, most)
        told[row, 0], told[row, 1] = points[quantity - 1], quantity


@compiled
def cost_of_lots(given: UnitsArray, lots: UnitsArray, costs: UnitsArray) -> None:
    """Cost a review of lots, (n, k), each at its own best point; ``given`` as for :func:`many_lots`."""
    for row in range(len(given)):
        mean, variance, reviews, fixed, held, short = given[row]
        window = counts_pmf(mean * reviews, variance * reviews)
        _, sums = growing_lots(window, held, short, int(lots[row].max()))
        for k in range(lots.shape[1]):
            costs[row, k] = (fixed * mean + sums[int(lots[row, k]) - 1]) / lots[row, k]
