"""A drift report tells what moved, claims no more than it can, and is harmed by no column."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from statistics import NormalDist
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

import finalmile as fm
from finalmile.errors import UnknownNameError
from finalmile.monitoring.effects.tables.domain_classifier import _area, _interval
from finalmile.monitoring.report import junit, render
from finalmile.records import Finding

AT = dt.date(2024, 3, 1)
HOSTILE = "</script><img src=x onerror=alert(1)>"


def _frame(seed: int, *, rows: int = 4000, shift: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "still": rng.standard_normal(rows),
            "moved": rng.lognormal(0, 1, rows) * np.exp(shift),
            "city": rng.choice(["Ulm", "Bonn", "Köln"], rows, p=[0.5 + shift / 5, 0.3 - shift / 5, 0.2]),
            "constant": np.full(rows, 3.0),
        }
    )


@pytest.fixture(scope="module")
def report() -> fm.DriftReport:
    return fm.drift_report(_frame(5_000_030), _frame(5_000_031, shift=1.0), at=AT)


def _column(report: fm.DriftReport, name: str) -> object:
    return next(column for column in report.columns if column.name == name)


def test_the_most_moved_column_comes_first(report: fm.DriftReport) -> None:
    assert [column.name for column in report.columns][:2] == ["moved", "city"]
    assert report.columns[0].headline.size == "large"
    assert _column(report, "still").headline.size == "none"
    assert "2 of 4 columns moved" in report.verdict


def test_without_a_threshold_nothing_is_an_alarm(report: fm.DriftReport) -> None:
    assert report.passed
    assert "nothing here is a calibrated alarm" in report.verdict


def test_a_threshold_breaches_where_it_is_passed() -> None:
    told = fm.drift_report(_frame(5_000_030), _frame(5_000_031, shift=1.0), at=AT, thresholds={"psi": 0.25})
    assert not told.passed
    assert [one.subject for one in told.findings if one.breached] == ["column moved"]
    assert "psi 0.9" in next(one.why for one in told.findings if one.breached)
    suite = ElementTree.fromstring(told.to_junit())
    assert (suite.get("failures"), len(suite)) == ("1", len(told.findings))


def test_a_threshold_for_nothing_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'psi'"):
        fm.drift_report(_frame(1), _frame(2), at=AT, thresholds={"psy": 0.1})


def test_a_saved_profile_says_what_the_rows_say(tmp_path: Path) -> None:
    before, now = _frame(5_000_030), _frame(5_000_031, shift=1.0)
    now.write_parquet(tmp_path / "now.parquet")
    profile = fm.Profile.load(fm.Profile.of(before).save(tmp_path / "reference.npz"))
    rough, exact = fm.drift_report(profile, tmp_path / "now.parquet", at=AT), fm.drift_report(before, now, at=AT)
    assert [c.name for c in rough.columns] == [c.name for c in exact.columns]
    for one, other in zip(rough.columns, exact.columns, strict=True):
        for told, true in zip(one.every, other.every, strict=True):
            assert (told.value is None) == (true.value is None)
            if told.value is not None:
                assert told.value - 1e-9 <= true.value <= told.value + told.error + 1e-9


def test_odd_columns_are_told_and_harm_no_other() -> None:
    n = 300
    before = _frame(5_000_032, rows=n).with_columns(
        gone=pl.lit(1.0),
        kind=pl.lit(1.0),
        null=pl.lit(None, dtype=pl.Float64),
        wild=pl.lit(1.0),
        day=pl.lit(AT),
        names=pl.lit([1]),
        **{HOSTILE: pl.lit("a")},
    )
    now = _frame(5_000_033, rows=n).with_columns(
        kind=pl.lit("a"),
        null=pl.lit(None, dtype=pl.Float64),
        wild=pl.lit(np.inf),
        day=pl.lit(AT),
        names=pl.lit([1]),
        new=pl.lit(1),
        **{HOSTILE: pl.lit(HOSTILE)},
    )
    told = fm.drift_report(before, now, at=AT)
    assert {c.name: bool(c.note) for c in told.columns} == {
        "still": False, "moved": False, "city": False, "constant": False, "null": False, "wild": False, "day": False,
        "names": True, "gone": True, "kind": True, "new": True, HOSTILE: False,
    }  # fmt: skip
    assert not told.passed
    assert "no longer have the column gone" in told.findings[0].why
    assert "never seen before" in next(f.why for f in told.findings if f.subject.endswith(HOSTILE))
    assert "no value" in next(f.why for f in told.findings if f.subject == "column null")
    for data in (before.head(0), before.head(1), now.head(0)):
        for other in (before, data):
            assert fm.drift_report(other, data, at=AT).to_html()
            json.loads(fm.drift_report(data, other, at=AT).to_json())
    assert ElementTree.fromstring(told.to_junit()) is not None
    assert HOSTILE not in told.to_html()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_one_file_and_small(report: fm.DriftReport, tmp_path: Path) -> None:
    page = _Page()
    page.feed(report.to_html(tmp_path / "report.html"))
    assert (tmp_path / "report.html").stat().st_size < 8_000 + 4_000 * len(report.columns)
    assert page.links == []
    assert page.tags.count("details") == len(report.columns)
    assert page.tags.count("script") == 1
    assert "iframe" in report._repr_html_()


def test_json_holds_every_figure(report: fm.DriftReport, tmp_path: Path) -> None:
    told = json.loads(report.to_json(tmp_path / "report.json"))
    assert told["passed"] is True
    assert {one["name"] for one in told["columns"][0]["effects"]} >= {"ks", "psi", "wasserstein", "missing"}
    assert told["columns"][0]["effects"][0]["value"] == report.columns[0].headline.value
    assert report.to_frame().height == sum(len(column.every) for column in report.columns)


def test_a_time_column_brings_the_evidence_of_every_look() -> None:
    rng = np.random.default_rng(5_000_034)

    def days(first: dt.date, count: int, shift: float) -> pl.DataFrame:
        when = np.repeat(np.arange(count), 120)
        x = rng.standard_normal(len(when)) + shift
        return pl.DataFrame({"when": [first + dt.timedelta(days=int(day)) for day in when], "x": x})

    before = days(dt.date(2024, 1, 1), 90, 0.0)
    still = fm.drift_report(before, days(dt.date(2024, 3, 31), 20, 0.0), time="when", at=AT)
    moved = fm.drift_report(before, days(dt.date(2024, 3, 31), 20, 1.5), time="when", at=AT)
    assert still.passed
    assert "seen 20 looks after 90 of the reference" in still.verdict
    assert not moved.passed
    assert "In alarm" in moved.verdict
    short = fm.drift_report(before.head(600), days(dt.date(2024, 3, 31), 5, 0.0), time="when", at=AT)
    assert "No look was judged" in short.verdict


def test_a_classifier_names_what_separates_and_nothing_where_nothing_does() -> None:
    rng = np.random.default_rng(5_000_035)

    def rows(sign: float) -> pl.DataFrame:
        a = rng.standard_normal(1500)
        return pl.DataFrame({"a": a, "b": sign * a + rng.standard_normal(1500) * 0.3, "c": rng.standard_normal(1500)})

    asked = fm.DomainClassifier(folds=3, trees=20)
    apart = fm.drift_report(rows(1.0), rows(-1.0), at=AT, classifier=asked)
    alike = fm.drift_report(rows(1.0), rows(1.0), at=AT, classifier=asked)
    assert apart.separation.auc.value > 0.9
    assert {name for name, _ in apart.separation.features[:2]} == {"a", "b"}
    assert all(column.headline.size == "none" for column in apart.columns)
    assert alike.separation.auc.low < 0.5 < alike.separation.auc.high
    assert alike.separation.auc.size == "none"
    assert "area under the curve" in apart.to_html()


def test_any_findings_become_a_page_and_a_suite() -> None:
    told = [
        Finding(
            check="loss", subject=HOSTILE, at=AT, value=0.4, benchmark=0.3, breached=True, why="worse & worse \x00"
        ),
        Finding(check="fva", subject="fleet", at=AT, value=None, benchmark=None, why="no baseline"),
    ]
    page, suite = render(told, title="Monday"), ElementTree.fromstring(junit(told))
    assert HOSTILE not in page
    assert "1 breached, 1 could not run, 0 as they should be." in page
    assert [case[0].tag for case in suite] == ["failure", "skipped"]
    assert re.search("<h2>Could not run</h2>", page)
    assert "passed" in render([])


def test_a_side_without_rows_passes_no_gate_and_says_so() -> None:
    whole = _frame(5_000_032, rows=200)
    for reference, current, side in ((whole, whole.head(0), "current"), (whole.head(0), whole, "reference")):
        told = fm.drift_report(reference, current, at=AT)
        assert not told.passed
        assert [one.subject for one in told.findings if one.breached] == [f"{side} rows"]
        assert "4 could not be compared" in told.verdict
        assert ElementTree.fromstring(told.to_junit()).get("failures") == "1"


def test_a_column_that_lost_all_its_values_is_a_warning_and_could_not_be_compared() -> None:
    whole = _frame(5_000_033, rows=200)
    told = fm.drift_report(whole, whole.with_columns(pl.lit(None, dtype=pl.Float64).alias("moved")), at=AT)
    [lost] = [one for one in told.findings if one.subject == "column moved"]
    assert (lost.value, lost.severity) == (None, "warning")
    assert "1 could not be compared" in told.verdict


def test_a_misspelt_time_column_is_named_and_one_that_a_side_lacks_is_told() -> None:
    whole = _frame(5_000_034, rows=60).with_columns(when=pl.date_range(AT, AT + dt.timedelta(days=59), eager=True))
    with pytest.raises(UnknownNameError, match="Did you mean 'when'"):
        fm.drift_report(whole, whole, time="wen", at=AT)
    told = fm.drift_report(whole, whole.drop("when"), time="when", at=AT)
    assert "No look was judged: the current rows have no column when." in told.verdict


@pytest.mark.parametrize(("low", "said"), [(2**53 - 200, False), (2**53 + 2, True), (-(2**62), True)])
def test_whole_numbers_too_large_to_be_told_apart_are_said_to_be_rounded(low: int, said: bool) -> None:
    side = pl.DataFrame({"id": [low + at for at in range(100)]})
    (column,) = fm.drift_report(side, side).columns
    assert ("rounded to 53 bits" in column.current_told) is said
    assert ("rounded to 53 bits" in fm.drift_report(side.cast(pl.Float64), side).columns[0].reference_told) is False


@pytest.mark.parametrize("apart", [0.0, 0.8, 2.0, 3.5])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (200, 40)])
def test_the_interval_of_an_area_holds_the_true_one_as_often_as_it_says(apart: float, n: int, m: int) -> None:
    rng = np.random.default_rng([5_300_501, int(10 * apart), n])
    truth, label = NormalDist().cdf(apart / math.sqrt(2)), np.repeat([0, 1], [n, m])
    held = 0
    for _ in range(400):
        scores = np.append(rng.standard_normal(n), apart + rng.standard_normal(m))
        low, high = _interval(_area(scores, label), n, m)
        held += low <= truth <= high
    assert held >= 0.92 * 400


def test_rows_that_are_told_apart_without_a_fault_have_an_interval_all_the_same() -> None:
    low, high = _interval(1.0, 20, 20)
    assert 0.7 < low < 0.95
    assert _interval(1.0, 2000, 2000)[0] > 0.995
    assert high == 1.0


def test_the_verdict_names_what_is_past_a_threshold_and_what_could_not_be_compared() -> None:
    now = _frame(5_000_031, shift=1.0).drop("still").with_columns(fresh=pl.lit(1.0))
    told = fm.drift_report(_frame(5_000_030), now, at=AT, thresholds={"psi": 0.25})
    assert not told.passed
    assert "could not be compared: " in told.verdict
    assert "still" in told.verdict
    assert "past a threshold: " in told.verdict
    assert "0.25 was set" in told.verdict
