"""Many items, rules and scenarios through many periods: hundreds of millions of item-days a second a core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

from finalmile.frames import IntArray
from finalmile.simulation.jit import numba_installed
from finalmile.simulation.job import Job, job_of
from finalmile.simulation.rules import Rule
from finalmile.simulation.scene import Scene
from finalmile.simulation.totals import FIELDS, Totals, from_sums, together

Engine = Literal["auto", "numba", "numpy"]
LANES = {"numba": 1 << 18, "numpy": 1 << 13}
"""Item-candidates at a time: few enough that what the vectorised engine works on stays in the processor's cache."""


def run(scene: Scene, rule: Rule, *, warm_up: int = 0, engine: Engine = "auto", threads: int = 1) -> Totals:
    """What becomes of every item under every candidate of its rule.

    A period runs in this order: what is due arrives; what is owed, then what is asked for is served; damage is written
    off and what is too old thrown away; the shelf is counted; where a review falls, an order is placed. One of lead
    time ``L`` placed at the end of period ``t`` arrives at the start of ``t + 1 + L``, as in
    :func:`~finalmile.simulation.simulate`.

    Parameters
    ----------
    warm_up
        First periods that are lived through and not counted.
    engine
        ``"numba"`` or ``"numpy"``; ``"auto"`` compiles where numba is installed. The figures are the same.
    threads
        Groups of items at a time with numba. One by default: a server's other threads, and other processes, are not
        starved. The figures do not depend on it.

    Returns
    -------
    Totals
        Arrays of shape (n, c).

    Raises
    ------
    ValueError
        If scene and rule are of different numbers of items, or nothing is left to count.

    Examples
    --------
    Two a day are asked for, and orders take three days: at (s, S) = (4, 8) the fifth day finds an empty shelf.

    >>> import numpy as np
    >>> from finalmile.simulation.rules import min_max
    >>> from finalmile.simulation.scene import Scene, fixed_leads, given
    >>> scene = Scene(asked=given(np.full((1, 9), 2)), leads=fixed_leads(np.array([3])), on_hand=np.array([8]))
    >>> found = run(scene, min_max([4], [8]), engine="numpy")
    >>> found.orders, found.sold, found.unmet
    (array([[4]]), array([[16]]), array([[2]]))
    """
    _check(scene, rule, warm_up=warm_up, threads=threads)
    chosen = ("numba" if numba_installed() else "numpy") if engine == "auto" else engine
    walk = _walker(chosen)
    counted = (scene.asked.periods - warm_up) * scene.asked.scenarios
    parts = [
        (part, np.zeros((part.stop - part.start, rule.candidates, len(FIELDS)), dtype=np.int64))
        for part in _parts(scene.n, rule.candidates, lanes=LANES[chosen], least=threads)
    ]

    def work(part: tuple[slice, IntArray]) -> None:
        rows, sums = part
        walk(job_of(scene.take(rows), rule.take(rows), warm_up=warm_up), sums)

    if threads == 1 or len(parts) == 1:
        for part in parts:
            work(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, parts))
    return together([from_sums(sums, counted=counted) for _, sums in parts])


def _walker(engine: str) -> Callable[[Job, IntArray], None]:
    if engine == "numba":
        if not numba_installed():
            raise ValueError('engine "numba" is not installed here: pip install "finalmile[fast]", or engine="numpy"')
        from finalmile.simulation.looped import walk

        return walk
    if engine == "numpy":
        from finalmile.simulation.vectorised import walk as plain

        return plain
    raise ValueError(f"no engine is called {engine!r}; known: auto, numba, numpy")


def _parts(n: int, candidates: int, *, lanes: int, least: int) -> Iterator[slice]:
    """Items in groups of a size that suits the engine, at least one group per thread."""
    size = max(1, min(lanes // max(candidates, 1), -(-n // least)))
    for start in range(0, max(n, 1), size):
        yield slice(start, min(start + size, n))


def _check(scene: Scene, rule: Rule, *, warm_up: int, threads: int) -> None:
    if rule.n != scene.n:
        raise ValueError(f"the rule is for {rule.n} items and the scene has {scene.n}")
    if not 0 <= warm_up < max(scene.asked.periods, 1):
        raise ValueError(f"warm_up is {warm_up}; of {scene.asked.periods} periods at least one must be counted")
    if threads < 1:
        raise ValueError(f"threads is {threads}; it must be at least 1")
