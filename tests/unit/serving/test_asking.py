"""What a record may call a period."""

import pytest

from finalmile.serving.asking import read_asked


@pytest.mark.parametrize("text", ["2026-03-01", "2026-03-01T05:00", "2026-03-01T05:00:00", "2026-03-01T05:00:00.25"])
def test_a_period_is_a_date_or_an_hour(text):
    faults = []
    assert read_asked({"unique_id": "a", "ds": text}, "", faults).ds == text
    assert not faults


@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-02-30", "2026-03-01T00:00:00Z", "2026-03-01 05:00", "20260301", "", 3]
)
def test_anything_else_is_told_and_never_reaches_the_log(text):
    faults = []
    read_asked({"unique_id": "a", "ds": text}, "", faults)
    assert [where for where, _ in faults] == ["ds"]
    assert "2026-03-01" in faults[0][1]
