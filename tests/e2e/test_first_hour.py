"""The pages a newcomer follows do what they say, block by block."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finalmile.cli.app import app

_BLOCK = re.compile(
    r"^<!-- (run|file: (?P<path>\S+)) -->\n```(?P<language>\w+)\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE
)


def _sections(page: str) -> dict[str, list[re.Match[str]]]:
    """Blocks of each section; those before the first heading under ''."""
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)
    named = dict(zip(["", *parts[1::2]], parts[0::2], strict=True))
    return {name: list(_BLOCK.finditer(text)) for name, text in named.items()}


def _page() -> str:
    return (Path(__file__).parents[2] / "docs" / "first-hour.md").read_text(encoding="utf-8")


def _commands(body: str) -> Iterator[tuple[list[str], list[str]]]:
    """Words of each command line, and the lines of output shown under it."""
    for part in re.split(r"^\$ ", body.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield shlex.split(command), shown


def _shape(line: str) -> str:
    """A line without its figures, which differ with data and versions."""
    return re.sub(r"[\d.,]*\d", "#", line).strip()


def _run(block: re.Match[str]) -> None:
    path, language, body = block["path"], block["language"], block["body"]
    if path:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(body, encoding="utf-8")
    elif language == "python":
        exec(compile(body, "first-hour.md", "exec"), {})
    else:
        for (program, *words), shown in _commands(body):
            assert program == "finalmile"
            _call(words, shown)


def _call(words: list[str], shown: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, f"finalmile {shlex.join(words)}: {result.output}"
    given = {_shape(line) for line in result.stdout.splitlines()}
    assert [line for line in shown if _shape(line) not in given] == [], result.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files that the page's first block writes."""
    folder = tmp_path_factory.mktemp("first-hour")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in _sections(_page())[""]:
            _run(block)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("section", [name for name in _sections(_page()) if name])
def test_a_walk_of_the_first_hour_works_as_written(files: Path, section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    blocks = _sections(_page())[section]
    assert blocks
    for block in blocks:
        _run(block)
