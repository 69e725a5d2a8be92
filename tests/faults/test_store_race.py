"""Two processes that want the same thing: exactly one gets it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from finalmile.adapters.local.ledger import SqlLedger

NOW = datetime(2024, 1, 7, tzinfo=UTC)
ROUNDS = 30

RACER = """
import sys
from datetime import UTC, datetime
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import ConflictError

with SqlLedger(sys.argv[1]) as ledger:
    print("ready", flush=True)
    for line in sys.stdin:
        expected = int(line) or None
        try:
            at = datetime(2024, 1, 7, tzinfo=UTC)
            ledger.deploy("demand", int(sys.argv[2]), expected=expected, at=at, actor="racer", why="race")
            print("won", flush=True)
        except ConflictError:
            print("lost", flush=True)
"""


def racer(url: str, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RACER, url, str(number)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def test_of_two_processes_that_deploy_at_once_exactly_one_wins(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    with SqlLedger(url) as ledger:
        for digest in ("a", "b"):
            ledger.new_version(
                model="demand", kind="naive", digest=digest, cutoff=date(2024, 1, 6), settings={}, at=NOW, actor="train"
            )
        with racer(url, 1) as one, racer(url, 2) as two:
            assert {one.stdout.readline(), two.stdout.readline()} == {"ready\n"}
            for token in range(ROUNDS):
                for process in (one, two):
                    process.stdin.write(f"{token}\n")
                assert sorted([one.stdout.readline(), two.stdout.readline()]) == ["lost\n", "won\n"]
            one.stdin.close()
            two.stdin.close()
        assert ledger.deployment("demand").token == ROUNDS
        assert sum(row.verb == "deploy" for row in ledger.audit_rows()) == ROUNDS
        ledger.verify_audit()


def test_processes_that_open_a_new_project_at_once_all_find_it_whole(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    processes = [racer(url, 1) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
        process.communicate()
        assert process.returncode == 0
    with SqlLedger(url) as ledger:
        assert ledger.versions() == []
