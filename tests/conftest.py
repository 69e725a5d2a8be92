"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_project_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test works on whatever project the person running it has open."""
    monkeypatch.delenv("FINALMILE_PROJECT", raising=False)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real data; skips where there is none."""
    folder = os.environ.get("FINALMILE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data: set FINALMILE_DATA to the folder that holds m5_sales.parquet")
    return Path(folder)
