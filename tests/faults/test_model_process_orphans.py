"""A model's process whose asker was killed: it does not go on by itself, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from finalmile.forecasters.isolation import Process
from finalmile.forecasters.isolation.process import _sweep
from finalmile.forecasters.loaders.kept import Kept

SIGNATURE = {"features": [{"name": "a"}], "outputs": ["mean"]}
ASK = """
import sys, threading
from pathlib import Path
import numpy as np
from finalmile.forecasters.isolation import Process
process = Process(Path(sys.argv[1]))
threading.Thread(target=process.rows, args=(np.ones((1, 1)),), kwargs={"outputs": 1}, daemon=True).start()
print(process.pid, flush=True)
sys.stdin.read()
"""


def _registered(folder: Path, body: str) -> Path:
    for name in ("files", "code"):
        (folder / name).mkdir(parents=True)
    (folder / "code" / "spun.py").write_text(f"def fn(x):\n    {body}\n")
    Kept(loader="callable", settings={"function": "spun:fn"}, signature=SIGNATURE).write(folder)
    return folder


def _until_gone(pid: int) -> bool:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        threading.Event().wait(0.02)
    return False


def test_a_model_that_spins_ends_with_whoever_asked_it_and_its_scratch_folder_with_it(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    command = [sys.executable, "-c", ASK, str(_registered(tmp_path / "m", "while True: pass"))]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "scratch")}
    asker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert asker.stdout is not None
    pid = int(asker.stdout.readline())
    asker.kill()
    asker.communicate()
    assert _until_gone(pid)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_folders_that_the_dead_left_are_swept_and_those_of_the_living_are_not(tmp_path: Path, monkeypatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    folder = _registered(tmp_path / "m", "return x[:, 0]")
    living = Process(folder)
    left = scratch / "finalmile-model-left"
    left.mkdir()
    (left / ".said").touch()
    for one in scratch.iterdir():
        os.utime(one, (1.0, 1.0))
    _sweep.cache_clear()
    try:
        Process(folder).close()
        assert not left.exists()
        assert living.rows(np.ones((1, 1)), outputs=1).tolist() == [[1.0]]
        assert len(list(scratch.iterdir())) == 1
    finally:
        living.close()
