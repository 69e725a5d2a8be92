"""What a worker knows of its disk."""

from __future__ import annotations

from pathlib import Path

from finalmile.web.worker import Disk


def test_a_disk_that_refused_counts_as_refusing_until_something_was_written(tmp_path: Path) -> None:
    disk = Disk()
    assert disk.fault(1, 0)
    assert disk.fault(1, 0)
    disk.tried(tmp_path / "nowhere")
    assert disk.fault(1, 0)
    disk.tried(tmp_path)
    assert not disk.fault(1, 0)
    assert list(tmp_path.iterdir()) == []
