"""The registry every extension goes through."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from finalmile import plugins
from finalmile.errors import DuplicateNameError, UnknownNameError
from finalmile.plugins import Registry


@dataclass(frozen=True)
class Scale:
    by: float = 2.0


@pytest.fixture
def scales() -> Registry[Scale]:
    registry: Registry[Scale] = Registry("scale")
    registry.add("linear")(Scale)
    return registry


def test_a_registered_class_is_built_from_its_settings(scales: Registry[Scale]) -> None:
    assert scales.make("linear", by=3.0) == Scale(by=3.0)


def test_an_unknown_name_suggests_the_closest_one(scales: Registry[Scale]) -> None:
    with pytest.raises(UnknownNameError, match=r"no scale is called 'liner'. Did you mean 'linear'\? Known: linear."):
        scales["liner"]


def test_an_unknown_setting_suggests_the_closest_one(scales: Registry[Scale]) -> None:
    with pytest.raises(UnknownNameError, match=r"no setting of scale 'linear' is called 'bye'. Did you mean 'by'"):
        scales.make("linear", bye=1)


def test_an_empty_registry_says_that_nothing_is_known() -> None:
    with pytest.raises(UnknownNameError, match="Known: none yet"):
        Registry[Scale]("scale")["linear"]


def test_two_of_one_name_are_refused(scales: Registry[Scale]) -> None:
    with pytest.raises(DuplicateNameError, match="two scales are called 'linear'"):
        scales.add("linear")(Scale)


def test_what_a_scope_adds_is_gone_after_it(scales: Registry[Scale]) -> None:
    with scales.scoped():
        scales.add("cubic")(Scale)
        assert list(scales) == ["cubic", "linear"]
    assert list(scales) == ["linear"]


def test_the_error_survives_pickling(scales: Registry[Scale]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        scales["liner"]
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.known) == (str(caught.value), ["linear"])


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / "shapes_on_disk"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from finalmile.plugins import Registry\nshapes = Registry('shape', __name__)\n"
    )
    (folder / "round.py").write_text("from shapes_on_disk import shapes\n@shapes.add('round')\nclass Round: ...\n")
    (folder / "_draft.py").write_text("raise AssertionError('private modules are not loaded')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "shapes_on_disk"
    for name in [name for name in sys.modules if name.startswith("shapes_on_disk")]:
        del sys.modules[name]


def test_modules_of_the_package_are_found_on_first_use(package: str) -> None:
    module = __import__(package)
    assert f"{package}.round" not in sys.modules
    assert list(module.shapes) == ["round"]


def test_entry_points_of_other_packages_are_loaded(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("round", f"{package}.round", "finalmile.plugins")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == "finalmile.plugins" else [])
    elsewhere: Registry[object] = Registry("tool", package="json")
    len(elsewhere)
    assert f"{package}.round" in sys.modules


def test_threads_that_ask_at_once_all_know_everything(package: str, tmp_path: Path) -> None:
    (tmp_path / package / "aaa.py").write_text("import threading\nthreading.Event().wait(0.2)\n")
    module = __import__(package)
    with ThreadPoolExecutor(4) as pool:
        known = list(pool.map(lambda _: list(module.shapes), range(4)))
    assert known == [["round"]] * 4
