"""What all verbs share: the folder, JSON, exit codes, errors as sentences."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from finalmile.cli.failures import code_of, said
from finalmile.cli.report import Note, write_json
from finalmile.errors import BusyError, ConfigError, CorruptError, MissingInputError, SchemaError, UnknownNameError


def test_the_folder_is_the_one_given(call: Any, project: Any) -> None:
    call("models", "--project", "here", env={"FINALMILE_PROJECT": "there"})
    assert project.opened == [Path("here")]


def test_the_folder_is_that_of_the_environment_else(call: Any, project: Any) -> None:
    call("models", env={"FINALMILE_PROJECT": "there"})
    assert project.opened == [Path("there")]


def test_people_read_sentences(call: Any, project: Any) -> None:
    project.answer = Note(said=("Fill rate is 98.1 % [target 98 %].", ":smile: \U0001f95b stays what it is"))
    assert call("models").stdout.splitlines() == list(project.answer.said)


def test_long_sentences_are_not_broken(call: Any, project: Any) -> None:
    project.answer = Note(said=("word " * 100,))
    assert len(call("models").stdout.splitlines()) == 1


def test_programs_read_one_json_object(call: Any, project: Any) -> None:
    result = call("models", "--json")
    assert json.loads(result.stdout) == {"done": True}
    assert result.stderr == ""


def test_a_breach_exits_with_one(call: Any, project: Any) -> None:
    project.answer = Note(said=("Coverage is 91 %.",), breached=True)
    assert call("monitor").exit_code == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("finalmile.yaml", ["no"]), 2),
        (SchemaError("sales.csv", ["no column y"]), 2),
        (UnknownNameError("model", "demnad", ["demand"]), 2),
        (MissingInputError("no stock is known; finalmile ingest stock STOCK.csv"), 2),
        (BusyError("process 7 is training"), 3),
        (CorruptError("lake/x.parquet is not what was written"), 3),
        (OSError(28, "No space left on device", "lake/x.parquet"), 3),
        (ZeroDivisionError("division by zero"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_have_exit_codes_and_are_said_without_a_traceback(
    call: Any, project: Any, error: BaseException, code: int
) -> None:
    project.failure = error
    result = call("plan")
    assert (result.exit_code, result.stdout, code_of(error)) == (code, "", code)
    assert result.stderr.rstrip("\n") == said(error)
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback(call: Any, project: Any) -> None:
    project.failure = ZeroDivisionError("division by zero")
    assert "Traceback" in call("plan", "--debug").stderr


def test_errors_are_json_too_where_json_was_asked_for(call: Any, project: Any) -> None:
    project.failure = MissingInputError("no stock is known")
    result = call("plan", "--json")
    error = {"kind": "MissingInputError", "message": "no stock is known", "exit_code": 2}
    assert json.loads(result.stdout) == {"error": error}
    assert result.stderr == "no stock is known\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "null"),
        (math.inf, "null"),
        (date(2016, 1, 1), '"2016-01-01"'),
        (datetime(2016, 1, 1, tzinfo=UTC), '"2016-01-01T00:00:00+00:00"'),
        (np.float32(0.5), "0.5"),
        (np.array([1, 2]), "[1,2]"),
        ({1: "a"}, '{"1":"a"}'),
        ((1, None), "[1,null]"),
        ({"b", "a"}, '["a","b"]'),
        (Decimal("1.50"), '"1.50"'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        (Path("shop"), '"shop"'),
        ("\U0001f95b", '"\U0001f95b"'),
    ],
)
def test_any_value_has_a_form_in_json(capfdbinary: pytest.CaptureFixture[bytes], value: object, text: str) -> None:
    write_json({"value": value})
    assert capfdbinary.readouterr().out.decode() == f'{{"value":{text}}}\n'


STEERS = "bread\x1b[2J\x9b31m\u202e\x00\x07 is out of stock"


def test_no_text_from_data_steers_the_terminal(call: Any, project: Any) -> None:
    project.answer = Note(said=(STEERS,), facts={"said": STEERS})
    shown, told = call("models").stdout, call("models", "--json").stdout
    project.failure = MissingInputError(STEERS)
    failed, debugged = call("models").stderr, call("models", "--debug").stderr
    for text in (shown, told, failed, debugged):
        assert [sign for sign in text if not sign.isprintable() and sign != "\n"] == []
    assert json.loads(told) == {"said": STEERS}
    assert "bread\\x1b[2J" in shown


def test_the_help_of_an_edit_names_every_reason_code():
    from finalmile.cli.verbs.orders import Code
    from finalmile.workflows.orders import REASON_CODES

    said = Code.__metadata__[0].help
    assert all(code in said for code in REASON_CODES)
