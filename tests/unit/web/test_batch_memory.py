"""A batch may have half of the memory, and is ended before what answers predictions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from finalmile.web.batch_child import machine_memory


def test_a_batch_that_grows_beyond_its_memory_fails_and_is_the_first_to_be_ended() -> None:
    script = (
        "from finalmile.web.batch_child import bound_memory\n"
        "bound_memory(200_000_000)\n"
        "held = bytearray(50_000_000)\n"
        "print(open('/proc/self/oom_score_adj').read().strip())\n"
        "try:\n"
        "    held = bytearray(200_000_000)\n"
        "except MemoryError:\n"
        "    print('refused')\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.split() == ["500", "refused"]


def test_the_memory_of_a_machine_is_no_more_than_the_kernel_tells() -> None:
    told = Path("/proc/meminfo").read_text(encoding="ascii").split()
    assert 0 < machine_memory() <= int(told[1]) * 1024 * 1.01
