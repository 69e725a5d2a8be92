"""`finalmile why` asks the project for what was typed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("typed", "args", "settings"),
    [
        ("why", (None,), {"model": "demand", "since": None, "until": None}),
        ("why 0123456789ab", ("0123456789ab",), {"model": "demand", "since": None, "until": None}),
        (
            "why --model other --since 2016-01-01 --until 2016-03-31",
            (None,),
            {"model": "other", "since": date(2016, 1, 1), "until": date(2016, 3, 31)},
        ),
    ],
)
def test_the_project_is_asked(
    call: Any, project: Any, typed: str, args: tuple[object, ...], settings: dict[str, object]
) -> None:
    assert call(*typed.split()).exit_code == 0
    assert project.asked == [("why", args, settings)]
