"""What processes of this machine use, and who answers on a port: read from /proc, ``None`` where there is none."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_LISTENS = "0A"
_PARENT, _USED = 1, slice(11, 15)


def family(pid: int, /) -> set[int]:
    """A process and everything it started that still runs; empty where it is gone or cannot be told."""
    children: dict[int, list[int]] = {}
    for other, fields in _all():
        children.setdefault(int(fields[_PARENT]), []).append(other)
    found, waiting = set[int](), [pid] if (PROC / str(pid)).exists() else []
    while waiting:
        found.add(one := waiting.pop())
        waiting += children.get(one, [])
    return found


def cpu_s(pids: Iterable[int], /) -> float | None:
    """Processor seconds that processes used since they began, those of children that they saw end with it."""
    told = [fields for pid in pids if (fields := _fields(pid)) is not None]
    return sum(float(tick) for fields in told for tick in fields[_USED]) / _TICKS if told else None


def memory_mb(pids: Iterable[int], /) -> float | None:
    """Memory of processes in megabytes of 10^6 bytes; a page that several share counts for each by its part."""
    told = [size for pid in pids if (size := _pss(pid)) is not None]
    return sum(told) / 1000 if told else None


def machine_cpu_s() -> float | None:
    """Processor seconds that everything on this machine used since it started, those taken by its host with them."""
    try:
        fields = (PROC / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = (int(field) for field in fields[:8])
    return (user + nice + system + interrupts + soft + stolen) / _TICKS


def owners(port: int, /) -> set[int]:
    """Processes that listen on a TCP port of this machine."""
    sockets = {inode for table in ("tcp", "tcp6") for inode in _listening(table, port)}
    return {pid for pid, _ in _all() if sockets & _sockets(pid)}


def machine() -> str:
    """Processor, cores and memory, for telling figures of one machine from those of another."""
    cores = os.cpu_count() or 1
    try:
        found = re.search(r"model name\s*:\s*(.+)", (PROC / "cpuinfo").read_text(encoding="utf-8", errors="replace"))
        memory = re.search(r"MemTotal:\s*(\d+) kB", (PROC / "meminfo").read_text(encoding="ascii"))
    except OSError:
        found = memory = None
    name = " ".join(found[1].split()) if found else platform.processor() or platform.machine()
    size = f", {int(memory[1]) * 1024 / 1e9:.0f} GB" if memory else ""
    return f"{name}, {cores} core{'s' if cores > 1 else ''}{size}, {platform.system()} {platform.machine()}"


def _all() -> Iterable[tuple[int, list[str]]]:
    try:
        names = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    except OSError:
        return
    for pid in names:
        if (fields := _fields(pid)) is not None:
            yield pid, fields


def _fields(pid: int) -> list[str] | None:
    """Fields of a process after its name: state, parent, ... (man 5 proc)."""
    try:
        return (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _pss(pid: int) -> float | None:
    """Kilobytes of 1000 bytes."""
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii"), re.M)
    except OSError:
        return None
    return int(found[1]) * 1.024 if found else None


def _listening(table: str, port: int) -> set[str]:
    try:
        lines = (PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return set()
    rows = (line.split() for line in lines)
    return {row[9] for row in rows if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port}


def _sockets(pid: int) -> set[str]:
    folder = PROC / str(pid) / "fd"
    found = set[str]()
    try:
        for entry in folder.iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        return found
    return found
