"""Calls of LightGBM run side by side only with one number of threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from hypothesis import given
from hypothesis import strategies as st

from finalmile.forecasters.direct.native_threads import NativeThreads


class Running:
    """Numbers of threads of the calls that run."""

    def __init__(self) -> None:
        self.lock, self.numbers, self.seen = threading.Lock(), list[int](), set[int]()

    def call(self, number: int) -> int:
        with self.lock:
            self.numbers.append(number)
            self.seen.add(len(set(self.numbers)))
        with self.lock:
            self.numbers.remove(number)
        return number


@given(calls=st.lists(st.tuples(st.booleans(), st.integers(1, 3)), min_size=1, max_size=30))
def test_calls_side_by_side_use_one_number_and_who_insists_gets_it(calls: list[tuple[bool, int]]) -> None:
    threads, running = NativeThreads(), Running()

    def call(one: tuple[bool, int]) -> tuple[tuple[bool, int], int]:
        insists, number = one
        if insists:
            with threads.exactly(number):
                return one, running.call(number)
        with threads.preferably(number) as held:
            return one, running.call(held)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(call, calls))
    assert running.seen == {1}
    assert all(held == number for (insists, number), held in done if insists)


def test_a_call_alone_gets_what_it_prefers_and_others_join_it() -> None:
    threads = NativeThreads()
    with threads.preferably(2) as alone, threads.preferably(5) as joined, threads.exactly(2):
        assert (alone, joined) == (2, 2)


def test_who_waits_for_another_number_is_not_passed_by_those_who_come_later() -> None:
    threads, inside, leave, order = NativeThreads(), threading.Event(), threading.Event(), list[str]()

    def first() -> None:
        with threads.exactly(2):
            inside.set()
            leave.wait(10)
            order.append("first")

    def waits() -> None:
        with threads.exactly(1):
            order.append("waited")

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(first)]
        inside.wait(10)
        done.append(pool.submit(waits))
        while not threads.somebody_waits:
            pass
        done += [pool.submit(_joins, threads, order) for _ in repeat(None, 2)]
        leave.set()
        for one in done:
            one.result(10)
    assert order[:2] == ["first", "waited"]


def _joins(threads: NativeThreads, order: list[str]) -> None:
    with threads.preferably(2):
        order.append("joined")


def test_a_call_that_fails_lets_the_others_on() -> None:
    threads = NativeThreads()
    try:
        with threads.exactly(2):
            raise ValueError("no rows")
    except ValueError:
        pass
    with threads.exactly(1), threads.preferably(3) as held:
        assert held == 1
