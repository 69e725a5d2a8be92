"""What workers count."""

from __future__ import annotations

from pathlib import Path

import pytest

from finalmile.serving.counters import Counted, Counters, read_all, strikes, together


def _count(path: Path, **totals: int) -> None:
    counters = Counters(path)
    for name, by in totals.items():
        counters.add(name, by)
    counters.close()


def test_totals_outlive_the_worker_and_gauges_do_not(tmp_path: Path) -> None:
    path = tmp_path / "slot-0.counters"
    first = Counters(path)
    first.add("requests", 5)
    first.set("in_flight", 3)
    first.took("request", 1000.0)
    first.close()
    Counters(path).close()
    told = Counted.read(path)
    assert told is not None
    assert (told.totals["requests"], told.gauges["in_flight"], told.latencies["request"].total) == (5, 0, 1)


def test_all_slots_are_added(tmp_path: Path) -> None:
    _count(tmp_path / "slot-0.counters", requests=2)
    _count(tmp_path / "slot-1.counters", requests=3)
    assert together(read_all(tmp_path).values()).totals["requests"] == 5


def test_gauges_of_the_dead_do_not_count(tmp_path: Path) -> None:
    quiet, alive = Counters(tmp_path / "slot-0.counters"), Counters(tmp_path / "slot-1.counters")
    quiet.set("in_flight", 7)
    alive.set("in_flight", 2)
    alive.beat()
    assert together(read_all(tmp_path).values()).gauges["in_flight"] == 2
    quiet.close()
    alive.close()


def test_strikes_against_a_version_are_added_over_slots_and_restarts(tmp_path: Path) -> None:
    for slot in (0, 1, 1):
        counters = Counters(tmp_path / f"slot-{slot}.counters")
        counters.words[counters.tally("strikes demand@3")] += 1
        counters.words[counters.tally("rows demand@3")] += 10
        counters.close()
    assert strikes(tmp_path) == {"demand@3": 3}


def test_more_names_than_there_is_room_for_count_under_other(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "slot-0.counters")
    for at in range(700):
        counters.words[counters.tally(f"rows demand@{at}")] += 1
    counters.close()
    told = Counted.read(tmp_path / "slot-0.counters")
    assert told is not None
    assert (sum(told.tallies.values()), told.tallies["other"]) == (700, 189)


def test_six_hundred_versions_one_after_the_other_are_all_counted(tmp_path: Path) -> None:
    path = tmp_path / "slot-0.counters"
    counters = Counters(path)
    for number in range(600):
        counters.keep({"demand@0", f"demand@{number}"})
        for name in (f"answers demand@{number}", f"strikes demand@{number}", "answers demand@0"):
            counters.words[counters.tally(name)] += 1
        told = Counted.read(path)
        assert told is not None
        assert told.tallies[f"strikes demand@{number}"] == 1
        assert told.tallies[f"answers demand@{number}"] == (1 if number else 2)
        assert told.tallies["answers demand@0"] == number + 2
        assert "other" not in told.tallies
        if number % 100 == 99:
            counters.close()
            counters = Counters(path)
    counters.close()


def test_names_that_were_forgotten_begin_at_zero_and_words_that_somebody_kept_are_taken_back(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "slot-0.counters")
    counters.kept_words["demand@1"] = counters.tally("answers demand@1")
    counters.words[counters.kept_words["demand@1"]] += 5
    counters.keep({"demand@2"})
    assert counters.kept_words == {}
    assert counters.words[counters.tally("answers demand@2")] == 0
    assert counters.words[counters.tally("answers demand@1")] == 0
    counters.close()


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_a_file_of_another_layout_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "slot-0.counters"
    path.write_bytes(content)
    assert Counted.read(path) is None
    _count(path, requests=1)
    told = Counted.read(path)
    assert told is not None
    assert told.totals["requests"] == 1
