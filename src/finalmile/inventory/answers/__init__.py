"""Files in which suppliers answer orders, one format a file."""

from __future__ import annotations

from collections.abc import Callable

from finalmile.inventory.answers.registry import (
    AnswerReader,
    Answers,
    LineAnswer,
    OrderAnswer,
    Outcome,
    Purpose,
    Shipment,
    answers,
)
from finalmile.inventory.answers.sniffing import format_of

__all__ = [
    "AnswerReader",
    "Answers",
    "LineAnswer",
    "OrderAnswer",
    "Outcome",
    "Purpose",
    "Shipment",
    "answers",
    "format_of",
]


def __getattr__(name: str) -> Callable[..., AnswerReader]:
    """The registered class of that name."""
    return answers.class_named(name)


def __dir__() -> list[str]:
    return [*__all__, *answers.class_names()]
