"""The loops behind exact (s, S) levels; imported only when one is asked for, as importing it loads numba."""

from __future__ import annotations

import math

import numpy as np

from finalmile.simulation import UnitsArray
from finalmile.simulation.jit import compiled


@compiled
def counts_pmf(mean: float, variance: float) -> UnitsArray:
    """Chances of whole units: negative binomial, Poisson where the variance is not above the mean."""
    spread = variance / mean if variance > mean * (1 + 1e-9) else 1.0
    size = int(mean + 12 * math.sqrt(mean * spread) + 40 * spread) + 2
    told = np.zeros(size)
    mode = int(max(mean - spread, 0.0))
    r = mean / (spread - 1) if spread > 1 else 0.0
    told[mode] = 1.0
    for k in range(mode, size - 1):
        told[k + 1] = told[k] * ((r + k) * (spread - 1) / spread if spread > 1 else mean) / (k + 1)
    for k in range(mode, 0, -1):
        told[k - 1] = told[k] * k / ((r + k - 1) * (spread - 1) / spread if spread > 1 else mean)
    scaled: UnitsArray = told / told.sum()
    return scaled


@compiled
def stock_cost(window: UnitsArray, held: float, short: float, size: int) -> UnitsArray:
    """Cost of a position of 0, 1, ... units against demand over the window."""
    told = np.zeros(size)
    loss = 0.0
    for k in range(len(window)):
        loss += k * window[k]
    mean, more = loss, 1.0
    for y in range(size):
        told[y] = held * (y - mean) + (held + short) * max(loss, 0.0)
        more = max(more - window[y], 0.0) if y < len(window) else 0.0
        loss -= more
    return told


@compiled
def zheng_federgruen(
    pmf: UnitsArray, window: UnitsArray, fixed: float, held: float, short: float
) -> tuple[int, int, float]:
    """Cheapest ``(s, S)`` and its cost: order up to ``S`` at a review that finds a position of ``s`` or less."""
    mean = 0.0
    for k in range(len(window)):
        mean += k * window[k]
    size = len(window) + 64
    cost = stock_cost(window, held, short, size)
    best = 0
    while best + 1 < size and cost[best + 1] < cost[best]:
        best += 1
    visits = np.zeros(size)
    visits[0] = 1 / (1 - pmf[0])
    known = 1

    low, high = best - 1, best
    weight, total = visits[0], fixed + visits[0] * cost[best]
    while total / weight > (cost[low] if low >= 0 else short * (mean - low)):
        gap = high - low
        if gap >= len(visits):
            visits = np.concatenate((visits, np.zeros(len(visits))))
        while known <= gap:
            renewed = 0.0
            for i in range(1, min(known, len(pmf) - 1) + 1):
                renewed += pmf[i] * visits[known - i]
            visits[known] = renewed / (1 - pmf[0])
            known += 1
        total += visits[gap] * (cost[low] if low >= 0 else short * (mean - low))
        weight += visits[gap]
        low -= 1
    least, upper = total / weight, high

    trial = high + 1
    while (cost[trial] if trial < size else held * (trial - mean)) <= least:
        gap = trial - low
        while gap >= len(visits):
            visits = np.concatenate((visits, np.zeros(len(visits))))
        while known < gap:
            renewed = 0.0
            for i in range(1, min(known, len(pmf) - 1) + 1):
                renewed += pmf[i] * visits[known - i]
            visits[known] = renewed / (1 - pmf[0])
            known += 1
        total, weight = fixed, 0.0
        for j in range(gap):
            y = trial - j
            here = short * (mean - y) if y < 0 else (cost[y] if y < size else held * (y - mean))
            total += visits[j] * here
            weight += visits[j]
        if total / weight < least:
            upper, least = trial, total / weight
            while low + 1 < upper and least <= (cost[low + 1] if low + 1 >= 0 else short * (mean - low - 1)):
                low += 1
                here = cost[low] if low >= 0 else short * (mean - low)
                total -= visits[upper - low] * here
                weight -= visits[upper - low]
                least = total / weight
        trial += 1
    return low, upper, least


@compiled
def many_levels(given: UnitsArray, told: UnitsArray) -> None:
    """Levels of every product: ``given`` holds mean, variance, window, fixed, held, short; ``told`` s, S, cost."""
    for row in range(len(given)):
        mean, variance, periods, fixed, held, short = given[row]
        pmf = counts_pmf(mean, variance)
        window = counts_pmf(mean * periods, variance * periods)
        told[row, 0], told[row, 1], told[row, 2] = zheng_federgruen(pmf, window, fixed, held, short)


@compiled
def until_low(
    pmf: UnitsArray, window: UnitsArray, held: float, short: float, low: int, count: int
) -> tuple[UnitsArray, UnitsArray]:
    """Stock cost and reviews from positions ``low + 1``, ``low + 2``, ... until ``low`` or less is found."""
    mean = 0.0
    for k in range(len(window)):
        mean += k * window[k]
    cost = stock_cost(window, held, short, len(window) + 64)
    stock, reviews = np.zeros(count), np.zeros(count)
    for j in range(count):
        y = low + 1 + j
        here = short * (mean - y) if y < 0 else cost[y] if y < len(cost) else held * (y - mean)
        more = 1.0
        for i in range(1, min(j, len(pmf) - 1) + 1):
            here += pmf[i] * stock[j - i]
            more += pmf[i] * reviews[j - i]
        stock[j], reviews[j] = here / (1 - pmf[0]), more / (1 - pmf[0])
    return stock, reviews


@compiled
def tried_levels(given: UnitsArray, lows: UnitsArray, highs: UnitsArray, costs: UnitsArray) -> None:
    """Cost a period of order-up-to levels, ``highs`` (n, k), with the reorder levels ``lows`` (n,)."""
    for row in range(len(given)):
        mean, variance, periods, fixed, held, short = given[row]
        pmf = counts_pmf(mean, variance)
        window = counts_pmf(mean * periods, variance * periods)
        low = int(lows[row])
        stock, reviews = until_low(pmf, window, held, short, low, int(highs[row].max()) - low)
        for k in range(highs.shape[1]):
            at = int(highs[row, k]) - low - 1
            costs[row, k] = (fixed + stock[at]) / reviews[at]


@compiled
def cheapest_most(given: UnitsArray, lows: UnitsArray, told: UnitsArray) -> None:
    """The cheapest order-up-to level for a reorder level that is set, and its cost a period; ``told`` (n, 2).

    No level is cheapest at which stock by itself costs more than the best: it would pay to have come from below.
    """
    for row in range(len(given)):
        mean, variance, periods, fixed, held, short = given[row]
        pmf = counts_pmf(mean, variance)
        window = counts_pmf(mean * periods, variance * periods)
        low, count, done, best, least = int(lows[row]), 64, False, 0, np.inf
        while not done:
            stock, reviews = until_low(pmf, window, held, short, low, count)
            cost = stock_cost(window, held, short, low + 1 + count)
            best, least = 0, np.inf
            for j in range(count):
                y = low + 1 + j
                if y > 0 and cost[y] >= cost[y - 1] and cost[y] > least:
                    done = True
                    break
                if (fixed + stock[j]) / reviews[j] < least:
                    best, least = y, (fixed + stock[j]) / reviews[j]
            count *= 4
        told[row, 0], told[row, 1] = best, least
