"""The shape of the house: who imports whom, how long functions are, and what never gets committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def _functions(source: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of code of every function: docstring, blank and comment lines do not count."""
    text = source.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            spans = [(node.lineno, node.body[0].lineno - 1), *((part.lineno, part.end_lineno or 0) for part in body)]
            code = {i for first, last in spans for i in range(first, last + 1) if _is_code(lines[i - 1])}
            yield f"{source.name}:{node.name}", len(code)


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


@pytest.fixture(scope="module")
def lengths(repository: Path) -> dict[str, int]:
    return dict(item for source in (repository / "src").rglob("*.py") for item in _functions(source))


def _percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


def test_imports_point_down(repository: Path) -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_half_of_the_functions_have_at_most_ten_lines(lengths: dict[str, int]) -> None:
    assert _percentile(list(lengths.values()), 0.5) <= 10


def test_nearly_all_functions_fit_on_a_screen(lengths: dict[str, int]) -> None:
    assert _percentile(list(lengths.values()), 0.95) <= 40


def test_no_function_passes_a_hundred_lines(lengths: dict[str, int]) -> None:
    assert {name: n for name, n in lengths.items() if n > 100} == {}


def _tracked(repository: Path) -> list[Path]:
    run = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip("not a git checkout")
    return [repository / name for name in run.stdout.split("\0") if name and (repository / name).is_file()]


def test_no_path_of_a_machine_and_no_download_address_is_committed(repository: Path) -> None:
    machine = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w|file:///|--index-url|--find-links")
    itself = Path(__file__).name
    found = [
        f"{path.relative_to(repository)}:{i}"
        for path in _tracked(repository)
        if path.suffix not in {".png", ".ico", ".woff2"} and path.name != itself
        for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if machine.search(line)
    ]
    assert found == []


def test_no_data_is_committed(repository: Path) -> None:
    data = {".parquet", ".arrow", ".feather", ".db", ".sqlite"}
    assert [path.name for path in _tracked(repository) if path.suffix in data] == []


def test_names_of_test_files_are_unique(repository: Path) -> None:
    names = [path.name for path in (repository / "tests").rglob("test_*.py")]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_every_pinned_requirement_carries_a_hash(repository: Path) -> None:
    for lock in (repository / "requirements").glob("*.txt"):
        pins = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8"))
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == [], lock.name


def test_everything_the_package_needs_is_pinned(repository: Path) -> None:
    import tomllib

    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {"core": project["dependencies"], "fast": project["optional-dependencies"]["fast"]}
    needed["dev"] = [*needed["core"], *needed["fast"], *project["optional-dependencies"]["dev"], "hatchling"]
    for name, requirements in needed.items():
        text = (repository / "requirements" / f"{name}.txt").read_text(encoding="utf-8").lower()
        missing = [r for r in requirements if f"\n{_plain(r)}==" not in "\n" + re.sub(r"\[.*?\]", "", text)]
        assert missing == [], name


def _plain(requirement: str) -> str:
    return re.split(r"[\[<>=; ]", requirement.lower())[0]
