"""``import finalmile`` costs little and gives everything."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import finalmile as fm
from finalmile.errors import UnknownNameError

_IMPORT = """
import sys, time
before, start = set(sys.modules), time.perf_counter()
import finalmile
print(__import__("json").dumps([time.perf_counter() - start, sorted(set(sys.modules) - before)]))
"""


@pytest.fixture(scope="module")
def cost() -> tuple[float, list[str]]:
    run = subprocess.run([sys.executable, "-I", "-c", _IMPORT], capture_output=True, text=True, check=True)
    seconds, modules = json.loads(run.stdout)
    return seconds, modules


def test_importing_imports_nothing_heavy(cost: tuple[float, list[str]]) -> None:
    heavy = {"polars", "numpy", "scipy", "lightgbm", "pydantic", "sqlalchemy", "fastapi", "plotly", "rich", "yaml"}
    assert heavy & {module.partition(".")[0] for module in cost[1]} == set()


def test_importing_imports_few_modules(cost: tuple[float, list[str]]) -> None:
    assert [module for module in cost[1] if module.startswith("finalmile.")] == []
    assert len(cost[1]) < 60


def test_importing_takes_less_than_a_fifth_of_a_second(cost: tuple[float, list[str]]) -> None:
    assert cost[0] < 0.2


@pytest.mark.parametrize("name", fm.__all__)
def test_every_public_name_answers(name: str) -> None:
    assert getattr(fm, name) is not None


def test_a_name_that_is_not_there_says_what_is() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'opne'; it has .*open"):
        fm.opne  # noqa: B018


def test_the_directory_lists_the_public_names() -> None:
    assert dir(fm) == sorted(fm.__all__)


def test_registered_classes_are_attributes_of_their_kind() -> None:
    assert fm.policies.OrderUpTo(cycle_service=0.9) == fm.policies.policies.make("order_up_to", cycle_service=0.9)
    assert type(fm.forecasters.SeasonalNaive()) is fm.forecasters.forecasters["seasonal_naive"]
    assert fm.metrics.WAPE is fm.metrics.metrics["wape"]


@pytest.mark.parametrize("kind", ["forecasters", "metrics", "policies"])
def test_a_class_that_is_not_registered_is_no_attribute(kind: str) -> None:
    with pytest.raises(AttributeError, match=r"no .* class is called 'Nothing'"):
        getattr(fm, kind).Nothing  # noqa: B018


def test_errors_can_be_caught_as_what_one_would_guess() -> None:
    assert issubclass(UnknownNameError, LookupError)
    assert issubclass(fm.ConfigError, ValueError)
    assert issubclass(fm.SchemaError, fm.FinalMileError)
