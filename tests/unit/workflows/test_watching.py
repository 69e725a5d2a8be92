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


def test_a_gate_and_a_named_check_tell_of_less_and_judge_harder(small_shop: Callable[..., Any], tmp_path: Path) -> None:
    shop = small_shop()
    watched_days(shop, 1)
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


def test_an_acknowledged_incident_lets_its_evidence_start_anew(small_shop: Callable[..., Any]) -> None:
    shop = small_shop("respond: {automatic: none}\nmonitor: {clean_looks: 3}\n")
    told = watched_days(shop, 14, times=6.0)
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
