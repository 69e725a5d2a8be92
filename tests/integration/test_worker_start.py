"""What a worker costs before it has answered anything."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("polars", "sqlalchemy", "fastapi", "starlette", "pydantic", "lightgbm", "pandas", "scipy", "jinja2", "plotly")

_ASK = """
import json, sys
import finalmile.web.worker
print(json.dumps(sorted(sys.modules)))
"""


def _modules(code: str) -> set[str]:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def test_a_worker_imports_no_table_library_no_database_toolkit_and_no_web_framework() -> None:
    modules = _modules(_ASK)
    assert sorted(name for name in HEAVY if name in modules) == []
    assert len(modules) < 500


def test_a_supervisor_imports_no_numpy_before_it_has_started_its_children() -> None:
    modules = _modules(_ASK.replace("finalmile.web.worker", "finalmile.web.supervisor"))
    assert "numpy" not in modules
    assert len(modules) < 250
