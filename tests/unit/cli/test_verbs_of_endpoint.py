"""Verbs of the endpoint hand over what was typed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (
            ("keys", "create", "till", "--role", "planner", "--expires", "90d", "--model", "demand"),
            ("create_key", ("till",), {"role": "planner", "lasts": timedelta(days=90), "models": ("demand",)}),
        ),
        (("keys", "create", "till"), ("create_key", ("till",), {"role": "viewer", "lasts": None, "models": ()})),
        (("keys", "list"), ("keys", (), {})),
        (("keys", "revoke", "fm_ab"), ("revoke_key", ("fm_ab",), {})),
        (("routes", "show"), ("routes", (None,), {})),
        (
            ("routes", "canary", "demand@4", "0.1"),
            ("set_route", ("demand",), {"canary": (4, 0.1), "why": "by hand", "force": False}),
        ),
        (
            ("routes", "canary", "demand@4", "0.9", "--force", "--why", "old one broke"),
            ("set_route", ("demand",), {"canary": (4, 0.9), "why": "old one broke", "force": True}),
        ),
        (
            ("routes", "arms", "demand", "4=0.25", "5=0.5", "--why", "test"),
            ("set_route", ("demand",), {"arms": {4: 0.25, 5: 0.5}, "why": "test", "force": False}),
        ),
        (("routes", "arms"), ("set_route", ("demand",), {"arms": {}, "why": "by hand", "force": False})),
        (("routes", "shadow", "demand@0"), ("set_route", ("demand",), {"shadow": 0, "why": "by hand"})),
        (
            ("routes", "durable", "demand", "false", "--deadline-ms", "500"),
            ("set_route", ("demand",), {"durable": False, "deadline_ms": 500, "why": "by hand"}),
        ),
    ],
)
def test_a_verb_asks_the_project(project: Any, call: Any, words: tuple[str, ...], asked: tuple[object, ...]):
    assert call(*words).exit_code == 0
    assert project.asked == [asked]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("routes", "canary", "demand", "0.1"), "names no version"),
        (("routes", "arms", "demand", "4"), "is not NUMBER=SHARE"),
        (("keys", "create", "till", "--expires", "soon"), "is not a time"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_would_be_right(
    project: Any, call: Any, words: tuple[str, ...], told: str
):
    result = call(*words)
    assert result.exit_code == 2
    assert told in result.output
