"""The pages on formulas and on what-if: every piece of Python that needs no project runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = ("inventory-formulas.md", "what-if.md")


def _pieces(page: str) -> list[str]:
    docs = next(folder for folder in Path(__file__).parents if (folder / "docs").is_dir()) / "docs"
    pieces = re.findall(r"```python\n(.*?)```", (docs / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return [piece for piece in pieces if "project." not in piece]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_asserts_holds(page: str) -> None:
    pieces = _pieces(page)
    assert pieces
    for piece in pieces:
        exec(compile(piece, page, "exec"), {})
