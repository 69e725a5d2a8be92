"""Findings as build servers read them."""

from __future__ import annotations

from datetime import date

from finalmile.monitoring.report import junit
from finalmile.records import Finding


def test_a_check_that_failed_is_an_error_and_one_without_anything_to_judge_is_skipped() -> None:
    at = date(2024, 3, 1)
    broken = Finding(check="coverage", subject="check", at=at, value=None, benchmark=None, why="it raised")
    idle = Finding(check="coverage", subject="fleet", at=at, value=None, benchmark=None, why="nothing came true")
    told = junit([broken, idle])
    assert 'failures="0" errors="1" skipped="1"' in told
    assert '<error message="it raised"/>' in told
    assert '<skipped message="nothing came true"/>' in told
