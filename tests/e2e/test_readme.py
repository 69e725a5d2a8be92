"""The notebook of the README runs as it stands, on a small shop."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from finalmile.sandbox import Retailer

README = Path(__file__).parents[2] / "README.md"
SMALL = "LightGBM(horizon=28, rounds=20, window_rounds=20, rows=20_000, window_rows=10_000, threads=1)"


@pytest.mark.slow
def test_the_notebook_of_the_readme_runs_as_written(tmp_path, monkeypatch):
    world = Retailer(products=8, stores=2, days=400).simulate()
    world.sales.write_parquet(tmp_path / "sales.parquet")
    world.items.write_csv(tmp_path / "items.csv")
    world.stock.write_csv(tmp_path / "stock.csv")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "finalmile.yaml").write_text(f"models: {{demand: {{settings: {_settings()}}}}}")
    monkeypatch.chdir(tmp_path)
    told: dict[str, object] = {}

    exec(_notebook(first=world.end - timedelta(days=6), last=world.end), told)

    assert len(told["orders"]) > 0
    assert told["forecast"].height == 28 * world.sales.filter(world.sales["ds"] == world.end).height
    assert 0 < told["quarter"].fill_rate <= 1


def _notebook(*, first, last):
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    for written, small in (
        ("LightGBM(horizon=28)", SMALL),
        ("date(2025, 7, 14)", repr(first).removeprefix("datetime.")),
        ("date(2025, 10, 12)", repr(last).removeprefix("datetime.")),
    ):
        assert written in code
        code = code.replace(written, small)
    return code


def _settings():
    return "{rounds: 20, window_rounds: 20, rows: 20000, window_rows: 10000, threads: 1}"
