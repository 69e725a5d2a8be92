"""What the manager does now and then moves the log into the lake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from finalmile.project import Project
from finalmile.web.errands import Errands


def _round(project: Project, parent: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "finalmile.web.errands", str(project.folder), str(parent)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_a_round_without_anything_to_do_is_fine(tmp_path: Path):
    told = _round(Project.init(tmp_path / "shop"), os.getpid())
    assert (told.returncode, told.stderr) == (0, "")


def test_a_round_whose_parent_is_gone_does_nothing(tmp_path: Path):
    told = _round(Project.init(tmp_path / "shop"), 1_000_000)
    assert told.returncode == 1
    assert "is gone" in told.stderr


def test_errands_end_when_told_to(tmp_path: Path):
    errands = Errands(Project.init(tmp_path / "shop").folder, every_s=0.01)
    errands.start()
    errands.stop()
