"""Records as JSON text and back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import pytest

from finalmile.adapters.local.clock import SystemClock
from finalmile.adapters.local.codec import dumps, instant, load, loads
from finalmile.records import Alert, Estimate, Finding, Incident

FINDING = Finding(check="loss", subject="fleet", at=datetime(2024, 1, 7, 5), value=None, benchmark=0.1)


def test_a_record_inside_a_record_comes_back():
    incident = Incident(
        incident_id="i",
        model="m",
        check="loss",
        subject="fleet",
        severity="info",
        state="open",
        opened_at=date(2024, 1, 7),
        updated_at=datetime(2024, 1, 7, 5, tzinfo=UTC),
        finding=FINDING,
        actions=("a", "b"),
    )
    assert load(Incident, dumps(incident)) == incident


def test_fields_of_another_release_are_left_out_and_missing_ones_keep_their_defaults():
    text = '{"name":"loss","severity":"info","summary":"worse","colour":"red"}'
    assert load(Alert, text) == Alert(name="loss", severity="info", summary="worse")
    assert load(Estimate, '{"value":1.5}').level == 0.95


def test_the_same_content_is_the_same_text():
    assert dumps({"b": 1, "a": 2}) == dumps(MappingProxyType({"a": 2, "b": 1})) == '{"a":2,"b":1}'


def test_figures_of_numpy_and_money_are_kept():
    assert loads(dumps({"x": np.float64(1.5), "n": np.int64(3), "m": Decimal("1.10"), 7: {"b", "a"}})) == {
        "x": 1.5,
        "n": 3,
        "m": "1.10",
        "7": ["a", "b"],
    }


def test_what_has_no_json_is_named():
    with pytest.raises(TypeError, match="cannot be kept as JSON"):
        dumps({"a": object()})


def test_a_naive_time_is_taken_as_utc():
    assert instant(datetime(2024, 1, 7, 5)) == datetime(2024, 1, 7, 5, tzinfo=UTC)


def test_the_clock_of_the_machine_is_aware_and_never_runs_back():
    clock = SystemClock()
    first = clock.now()
    assert first.tzinfo is UTC
    assert clock.now() >= first
