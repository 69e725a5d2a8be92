"""Every check looks at every period; one that fails is told and stops no other; what is acknowledged starts anew."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from finalmile.errors import ConfigError, UnknownNameError
from finalmile.monitoring.registry import checks
from finalmile.project import Project
from finalmile.records import Finding
from finalmile.workflows import monitor as monitoring
from finalmile.workflows.findings_kept import from_frame, to_frame
from finalmile.workflows.guarantees import PROMISES
from finalmile.workflows.watching.seen import state_key

from .conftest import SETTINGS, SmallShop

HISTORY = 100


def watched_days(
    shop: Any, days: int, *, times: float = 1.0, last: Callable[[pl.DataFrame], pl.DataFrame] = lambda f: f
):
    """The shop after some days, each forecast the evening before; findings of the last one."""
    project: Project = shop.project
    project.train("demand")
    project.promote("demand", force=True)
    for number in range(HISTORY, HISTORY + days):
        project.forecast("demand")
        shop.morning(number + 1)
        rows = shop.sales(number, number + 1, times=times)
        project.sales.add(last(rows) if number == HISTORY + days - 1 else rows)
        told = project.monitor("demand")
    return told


@pytest.fixture(scope="module")
def jumped(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallShop, Any]:
    """A shop that sold six times what it was for two weeks, and what the last look at it told."""
    more = "respond: {automatic: none}\nmonitor: {clean_looks: 3}\n"
    shop = SmallShop(tmp_path_factory.mktemp("jumped") / "shop", SETTINGS + more)
    return shop, watched_days(shop, 14, times=6.0)


@pytest.fixture(scope="module")
def watched_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallShop, Any]:
    """A shop that was looked at once, and what that told."""
    shop = SmallShop(tmp_path_factory.mktemp("once") / "shop", SETTINGS)
    return shop, watched_days(shop, 1)


def test_every_check_of_a_day_looks_and_says_what_it_sees(small_shop: Callable[..., Any]) -> None:
    told = watched_days(small_shop(), 2)
    seen = {finding.check for finding in told.findings}
    assert {"loss", "input_drift", "output_drift", "schema", "ranges", "freshness"} <= seen
    assert not [finding.why for finding in told.findings if finding.subject == "check"]
    assert told.looks == 1
    assert not told.breached


def test_a_check_that_fails_is_a_finding_and_stops_no_other(
    small_shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = monitoring.look

    def broken(name: str, *args: Any) -> Any:
        if name == "input_drift":
            raise ZeroDivisionError("nothing to divide by")
        return real(name, *args)

    monkeypatch.setattr(monitoring, "look", broken)
    told = watched_days(small_shop(), 1)
    (failed,) = [finding for finding in told.findings if finding.subject == "check"]
    assert (failed.check, failed.value, failed.severity) == ("input_drift", None, "warning")
    assert "ZeroDivisionError" in failed.why
    assert any(finding.check == "loss" for finding in told.findings)


def test_checks_that_settings_skip_are_left_out_and_slips_are_told(small_shop: Callable[..., Any]) -> None:
    shop = small_shop("monitor: {skip: [input_drift, schema, concept_drift]}\n")
    seen = {finding.check for finding in watched_days(shop, 1).findings}
    assert not seen & {"input_drift", "schema", "concept_drift"}
    with pytest.raises(ConfigError, match=r"'fav'.*Did you mean 'fva'"):
        small_shop("monitor: {skip: [fav]}\n", name="other")


@pytest.mark.parametrize(
    "odd",
    [
        lambda rows: rows.with_columns(y=pl.lit(0.0)),
        lambda rows: rows.drop("price"),
        lambda rows: rows.with_columns(price=pl.lit(float("inf"))),
        lambda rows: rows.head(1),
    ],
    ids=["nothing sold", "a column gone", "infinite prices", "one row"],
)
def test_trouble_with_data_is_told_and_no_check_fails(
    small_shop: Callable[..., Any], odd: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    told = watched_days(small_shop(), 1, last=odd)
    assert told.findings
    assert not [finding.why for finding in told.findings if finding.subject == "check"]


def test_a_gate_and_a_named_check_tell_of_less_and_judge_harder(
    watched_once: tuple[SmallShop, Any], tmp_path: Path
) -> None:
    shop = watched_once[0].copied(tmp_path / "shop")
    project: Project = shop.project
    told = project.monitor("demand", checks=("loss",), gate=True)
    assert {finding.check for finding in told.findings} == {"loss"}
    page = told.to_html(tmp_path / "out.html").read_text()
    assert "<html" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    suite = ET.fromstring(told.to_junit(tmp_path / "out.xml").read_text())
    assert int(suite.attrib["tests"]) == len(told.findings)
    with pytest.raises(UnknownNameError, match="Did you mean 'loss'"):
        project.monitor("demand", checks=("los",))


def test_a_gate_passes_nothing_that_was_not_judged(small_shop: Callable[..., Any], tmp_path: Path) -> None:
    shop = small_shop()
    project: Project = shop.project
    project.train("demand", "seasonal_naive")
    told = project.monitor("demand", gate=True)
    assert told.breached
    assert not project.monitor("demand").breached
    assert "Nothing was judged, so nothing passes" in "\n".join(told.lines())
    suite = ET.fromstring(told.to_junit(tmp_path / "out.xml").read_text())
    assert int(suite.attrib["errors"]) == 1


def test_a_gate_that_is_asked_again_tells_the_newest_look_again(
    watched_once: tuple[SmallShop, Any], tmp_path: Path
) -> None:
    shop, first = watched_once[0].copied(tmp_path / "shop"), watched_once[1]
    again = shop.project.monitor("demand", gate=True)
    assert again.findings == first.findings
    assert again.breached == any(one.breached or one.subject == "check" for one in first.findings)


def test_one_incident_is_shown_in_full(jumped: tuple[SmallShop, Any], tmp_path: Path) -> None:
    shop, told = jumped
    (opened, *_) = [one for one in told.incidents if one.subject == "fleet"]
    project: Project = shop.copied(tmp_path / "shop").project
    said = "\n".join(project.incident(opened.incident_id).lines())
    for words in (opened.incident_id, "critical", opened.finding.why, "against", "Next: finalmile incidents ack"):
        assert words in said
    project.resolve(opened.incident_id, why="new shops")
    over = project.incident(opened.incident_id).lines()
    assert any("new shops" in line for line in over)
    assert "Next" not in over[-1]
    with pytest.raises(UnknownNameError):
        project.incident("ab12")


def test_damaged_names_of_covariates_are_learned_again_with_the_evidence(
    watched_once: tuple[SmallShop, Any], tmp_path: Path
) -> None:
    shop = watched_once[0].copied(tmp_path / "shop")
    project: Project = shop.project
    version = project.ledger.versions("demand")[-1]
    for day, blob in ((HISTORY + 1, b"{not json"), (HISTORY + 2, b"17")):
        project.ledger.save_state(f"calendar of {state_key('loss', version)}", blob)
        project.forecast("demand")
        shop.morning(day + 1)
        project.sales.add(shop.sales(day, day + 1))
        told = project.monitor("demand")
        assert not [one.why for one in told.findings if one.subject == "check"]
        assert any("loss remembered is learned again" in one.why for one in told.findings)


def test_a_project_without_incidents_says_how_many_the_replay_told_of(small_shop: Callable[..., Any]) -> None:
    project: Project = small_shop().project
    assert project.incidents().lines() == ["No incident is open. All there ever were: finalmile incidents list --all"]
    folder = project.folder / "replays" / "one"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text('{"first": "2026-01-01", "last": "2026-03-31"}')
    rows = [{"at": SmallShop.day(0), "kind": kind, "text": "x"} for kind in ("alarm", "action", "alarm")]
    pl.DataFrame(rows).write_parquet(folder / "happenings.parquet")
    assert "The replay of 2026-01-01 to 2026-03-31 told of 2" in project.incidents().lines()[1]


def test_an_acknowledged_incident_lets_its_evidence_start_anew(jumped: tuple[SmallShop, Any], tmp_path: Path) -> None:
    shop, told = jumped[0].copied(tmp_path / "shop"), jumped[1]
    opened = [one for one in told.incidents if one.subject == "fleet" and one.state == "open"]
    assert opened
    shop.project.acknowledge(opened[0].incident_id, why="new shops")
    project: Project = shop.project
    project.forecast("demand")
    shop.morning(HISTORY + 15)
    project.sales.add(shop.sales(HISTORY + 14, HISTORY + 15, times=6.0))
    after = [
        one for one in project.monitor("demand").findings if (one.check, one.subject) == (opened[0].check, "fleet")
    ]
    assert after[0].log_evidence is None or after[0].log_evidence < opened[0].finding.log_evidence
    assert project.incidents(open_only=True).rows[0].state in {"acknowledged", "open", "mitigating", "monitoring"}


def test_series_are_watched_one_by_one_where_settings_name_a_covariate(small_shop: Callable[..., Any]) -> None:
    def dearer(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(price=pl.when(pl.col("unique_id") == "item 3").then(40.0).otherwise(pl.col("price")))

    shop = small_shop("monitor: {series: [price]}\nrespond: {automatic: none}\n")
    quiet = next(one for one in watched_days(shop, 1).findings if one.check == "series_drift")
    assert (quiet.subject, quiet.breached) == ("input price of single series", False)
    project: Project = shop.project
    for day in range(HISTORY + 1, HISTORY + 8):
        project.forecast("demand")
        shop.morning(day + 1)
        project.sales.add(dearer(shop.sales(day, day + 1)))
        told = project.monitor("demand")
    (found,) = [one for one in told.findings if one.check == "series_drift"]
    assert found.breached
    assert "item 3 (2 became" in found.why
    (opened,) = [one for one in told.incidents if one.check == "series_drift"]
    assert project.acknowledge(opened.incident_id, why="the price is meant").state == "acknowledged"


def test_a_covariate_that_there_is_none_of_is_told_and_stops_nothing(small_shop: Callable[..., Any]) -> None:
    told = watched_days(small_shop("monitor: {series: [weather]}\n"), 1)
    (found,) = [one for one in told.findings if one.check == "series_drift"]
    assert found.value is None
    assert "no covariate is called weather; known: price" in found.why


def test_the_fast_lane_runs_where_settings_name_it_and_opens_nothing(small_shop: Callable[..., Any]) -> None:
    shop = small_shop("monitor: {fast_lane: [cusum, adwin]}\nrespond: {automatic: none}\n")
    told = watched_days(shop, 6, times=8.0)
    lanes = [finding for finding in told.findings if finding.check == "fast_lane"]
    assert {finding.subject for finding in lanes} == {"log WAPE of fleet (cusum)", "log WAPE of fleet (adwin)"}
    assert not any(incident.check == "fast_lane" for incident in told.incidents)


def test_every_check_says_what_is_promised_of_it() -> None:
    assert set(PROMISES) == set(checks)


def test_findings_survive_being_kept_as_a_table() -> None:
    from datetime import date

    told = [
        Finding(check="loss", subject="fleet", at=date(2024, 3, day), value=None if day == 1 else 0.5, benchmark=0.4)
        for day in (1, 2)
    ]
    assert from_frame(to_frame(told)) == told
    assert from_frame(to_frame([])) == []
    assert np.isnan(to_frame(told)["value"].to_numpy()[0])
