"""What the pages say is what the code does."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

import finalmile as fm
from finalmile.cli.app import VERBS
from finalmile.config import Config, section_at
from finalmile.metrics import metrics


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def build(repository: Path) -> ModuleType:
    return _load(repository / "docs" / "build.py")


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "plugins.md", "python.md"])
def test_a_reference_page_is_current(build: ModuleType, repository: Path, name: str) -> None:
    written = (repository / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == build.page(name), "run `make reference`"


def _settings(section: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[str]:
    for name in section.model_fields:
        inner = section_at((*path, name, "any")) or section_at((*path, name))
        if inner is None:
            yield name
        elif not path:
            yield from _settings(inner, (name,))


def test_every_setting_is_documented(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in _settings(Config) if f"| `{name}` |" not in page] == []


def test_every_verb_is_documented(repository: Path) -> None:
    reference = (repository / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"\n## `{verb}" not in reference] == []


def test_the_readme_lists_exactly_the_verbs_there_are(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- verbs:start -->")[2].partition("<!-- verbs:end -->")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == VERBS


@pytest.mark.parametrize("name", fm.__all__)
def test_every_public_name_says_what_it_is(repository: Path, name: str) -> None:
    page = (repository / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    assert f"| `fm.{name}` |" in page
    assert inspect.getdoc(getattr(fm, name))


def _pages(repository: Path) -> list[Path]:
    return [*repository.glob("*.md"), *(repository / "docs").rglob("*.md"), *(repository / "requirements").glob("*.md")]


def test_links_between_pages_lead_somewhere(repository: Path) -> None:
    broken = [
        f"{page.name}: {target}"
        for page in _pages(repository)
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_make_target_a_page_mentions_is_there(repository: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (repository / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    said = {
        target
        for page in _pages(repository)
        for target in re.findall(r"(?:`|\$ )make (\w+)", page.read_text(encoding="utf-8"))
    }
    assert said - targets == set()


def test_every_verb_a_page_mentions_is_there(repository: Path) -> None:
    said = {
        verb
        for page in _pages(repository)
        for verb in re.findall(r"(?:`|\$ )finalmile (\w+)", page.read_text(encoding="utf-8"))
    }
    assert said - set(VERBS) == set()


def _example(repository: Path, name: str) -> str:
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- run: {re.escape(name)} -->\n```python\n(.*?)```", text, flags=re.DOTALL)
    assert found is not None, name
    return found[1]


def test_the_example_of_a_metric_in_one_file_works(repository: Path, tmp_path: Path) -> None:
    source, test = tmp_path / "over_share.py", tmp_path / "its_tests.py"
    source.write_text(_example(repository, "over_share.py"), encoding="utf-8")
    test.write_text(_example(repository, "test_over_share.py"), encoding="utf-8")
    with metrics.scoped():
        module = _load(source)
        assert doctest.testmod(module) == doctest.TestResults(failed=0, attempted=1)
        assert fm.metrics.OverShare is metrics["over_share"]
        _load(test).test_it_keeps_what_every_metric_promises()
    assert "over_share" not in metrics
