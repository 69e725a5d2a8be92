"""What is uploaded for a batch is refused by its first bytes where it is something else, and leaves nothing then."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from finalmile.forecasters.loaders.kept import Kept
from finalmile.web import batch_space
from finalmile.web.api import received
from finalmile.web.batches import Batches
from finalmile.web.uploads import MOST
from finalmile.workflows.promote import promote

PLACE = "/v1/models/demand/batches"
LINES, TABLE, CELLS, ALL = "application/jsonl", "application/vnd.apache.parquet", "text/csv", "application/json"


def _parquet() -> bytes:
    file = io.BytesIO()
    pl.DataFrame({"unique_id": ["milk"]}).write_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("media", "body", "told"),
    [
        (ALL, b'{"instances": [{"unique_id": "milk"}]}', "Records go as application/jsonl"),
        (ALL, b"[]", "send {}"),
        (LINES, b'{"instances": [{"unique_id": "milk"}]}', "one record a line"),
        (LINES, b'{"instances": []}\n{"unique_id": "milk"}\n', "one record a line"),
        (LINES, b'\n [{"unique_id": "milk"}]', "without brackets or commas"),
        (LINES, b'{\n  "unique_id": "milk"\n}\n', "ends within a record"),
        (TABLE, b"unique_id\nmilk\n", "does not begin with PAR1"),
        (TABLE, _parquet()[:-1], "is cut off"),
        (CELLS, b'{"unique_id": "milk"}', "the body is JSON, not CSV"),
        (LINES, b"", "the body is empty"),
        (CELLS, b",unique_id\n0,milk\n", "column 1 has no name; leave an index out"),
        (CELLS, b"unique_id,horizn\nmilk,7\n", "Did you mean 'horizon'?"),
        (CELLS, b"unique_id,unique_id", "is named a second time"),
        (CELLS, b"K\xe4se\n1\n", "no columns of CSV in UTF-8"),
        (CELLS, b'"unique_id\nmilk\n', "no columns of CSV in UTF-8"),
    ],
)
def test_an_upload_that_is_something_else_is_told_what_would_be_right_and_leaves_nothing(
    door: Any, media: str, body: bytes, told: str
) -> None:
    door.version("a", live=True)
    answer = door.ask("POST", PLACE, content=body, headers={"content-type": media})
    assert answer.status_code == 422
    assert told in answer.json()["error"]["message"]
    assert answer.json()["error"]["code"] == "invalid"
    assert not list((door.project.folder / "serving" / "batches").iterdir())


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (ALL, b" {} "),
        (LINES, b'{"unique_id": "milk"}'),
        (LINES, b"no json\n{}"),
        (TABLE, _parquet()),
        (CELLS, b"unique_id\n1"),
        (CELLS, b"\xef\xbb\xbfunique_id, horizon\r\n1,2\r\n"),
    ],
)
def test_what_may_be_right_is_taken(door: Any, media: str, body: bytes) -> None:
    door.version("a", live=True)
    assert door.ask("POST", PLACE, content=body, headers={"content-type": media}).status_code == 202


def test_a_header_that_comes_in_pieces_is_read_when_it_is_whole_and_against_what_the_model_takes(door: Any) -> None:
    kept = Kept(loader="lightgbm", signature={"features": [{"name": "price"}], "outputs": ["mean"]})
    digest = door.project.artefacts.put(kept.write)
    door.project.ledger.new_version(
        model="demand", kind="lightgbm", digest=digest, cutoff=date(2024, 1, 1), settings={},
        at=door.project.clock.now(), actor="t",
    )  # fmt: skip
    promote(door.project.shop, "demand", number=1, force=True)
    answers: list[int] = []
    for name in ("price", "prize"):

        async def body(name: str = name) -> AsyncIterator[bytes]:
            for piece in (b"uniq", b"ue_id,", name.encode(), b"\r\nmilk,", b"2\r\n"):
                yield piece

        answers.append(door.ask("POST", PLACE, content=body(), headers={"content-type": CELLS}).status_code)
    assert answers == [202, 422]


def test_a_wrong_upload_is_not_read_to_its_end(door: Any) -> None:
    door.version("a", live=True)
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            read.append(1)
            yield b"x" * 50_000

    answer = door.ask("POST", PLACE, content=body(), headers={"content-type": TABLE})
    assert (answer.status_code, len(read)) == (422, 1)


def test_the_most_an_upload_may_have_is_set_by_the_environment(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    door.version("a", live=True)
    monkeypatch.setenv(MOST, "3000000")
    for size, status in ((2_000_000, 202), (3_000_001, 413)):
        body = b"unique_id\n" + b"1\n" * ((size - 10) // 2) + b" " * (size % 2)
        assert door.ask("POST", PLACE, content=body, headers={"content-type": CELLS}).status_code == status


def test_a_full_disk_is_a_reason_to_come_again(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    door.version("a", live=True)
    monkeypatch.setattr(received, "_kept", full)
    answer = door.ask("POST", PLACE, content=b"unique_id\n1\n", headers={"content-type": CELLS})
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert not list((door.project.folder / "serving" / "batches").iterdir())


def test_an_upload_without_a_length_is_refused_as_soon_as_there_is_no_room_for_the_rest(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.version("a", live=True)
    monkeypatch.setattr(received, "_ASKED_EVERY", 100_000)
    monkeypatch.setattr(batch_space, "most_kept", lambda: 150_000)
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            read.append(1)
            yield b"unique_id\n" * 5_000

    answer = door.ask("POST", PLACE, content=body(), headers={"content-type": CELLS})
    assert (answer.status_code, len(read), "retry-after" in answer.headers) == (503, 4, True)
    assert "batches take 200,000 bytes of the 150,000" in answer.json()["error"]["message"]
    assert not list((door.project.folder / "serving" / "batches").iterdir())


def test_uploads_that_a_killed_manager_left_half_written_are_gone_with_the_next_start(tmp_path: Path) -> None:
    first = Batches(tmp_path, tmp_path)
    _, place = first.prepare()
    (place / "input").write_bytes(b"half")
    second = Batches(tmp_path, tmp_path)
    second.start()
    second.stop()
    assert not place.exists()
