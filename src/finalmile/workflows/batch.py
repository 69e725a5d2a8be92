"""Batch: many predictions at once, read from a file, written to one; goes on where it was when it is interrupted."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import orjson
import polars as pl

from finalmile.errors import MissingInputError, ModelFaultError, SchemaError
from finalmile.forecasters.isolation import Process
from finalmile.forecasters.loaders.kept import SERVING, Kept
from finalmile.forecasters.loaders.opening import opened
from finalmile.frames import quantile_column
from finalmile.ports import Artefacts
from finalmile.records import Version
from finalmile.serving.asking import read_asked
from finalmile.serving.board import Limits, Served
from finalmile.serving.cells import cut, gathered, header_of, named_cells, whole
from finalmile.serving.nesting import depth_of
from finalmile.serving.online import OnlineTable, newest_table
from finalmile.serving.ready import Answer, ModelOfRows, Plan, Ready, Rows
from finalmile.serving.rows import Fault, RowReader
from finalmile.serving.signature import Feature, Signature
from finalmile.workflows.endpoint import TABLES

Form = Literal["jsonl", "csv", "parquet"]
Record = tuple[object, str | None]
CHUNK = 2_000
LONGEST_LINE = 1_000_000
"""Bytes of one record: what a line holds is many times as large in memory."""

_CHUNK_BYTES = 4_000_000
_MOST_ENDS = 20
_DEPTH = Limits().depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Uploaded records.

    Parameters
    ----------
    form
        JSON lines hold a record each, as a prediction asks for it. CSV and Parquet have a row each: ``unique_id``,
        ``ds``, ``horizon``, and every other column is a feature. A row of CSV is one line.
    texts
        Features that are text however their cells look.
    """

    path: Path
    form: Form
    texts: frozenset[str] = frozenset()

    def count(self) -> int:
        """Records in the file."""
        if self.form == "parquet":
            return int(pl.scan_parquet(self.path).select(pl.len()).collect().item())
        lines = sum(1 for _ in self._lines())
        return lines - (self.form == "csv" and lines > 0)

    def records(self) -> Iterator[Record]:
        """Each record, or why it could not be read."""
        return (record for chunk in self.chunks() for record in chunk)

    def chunks(self) -> Iterator[list[Record]]:
        """The same in parts of at most 2,000 records, and fewer where they are long; the same parts each time."""
        chunk: list[Record] = []
        size = 0
        for record, length in self._weighed():
            if chunk and (len(chunk) == CHUNK or size + length > _CHUNK_BYTES):
                yield chunk
                chunk, size = [], 0
            chunk.append(record)
            size += length
        if chunk:
            yield chunk

    def _weighed(self) -> Iterator[tuple[Record, int]]:
        """Each record and its bytes, as far as they matter."""
        if self.form == "parquet":
            return ((record, 0) for record in self._rows())
        return self._parsed() if self.form == "jsonl" else self._cells()

    def _lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Number and text of each line that holds something; a longer one than may be has none, and is not kept."""
        with self.path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    while line and not line.endswith(b"\n"):
                        line = file.readline(LONGEST_LINE)
                    yield number, None
                elif line.strip():
                    yield number, line

    def _parsed(self) -> Iterator[tuple[Record, int]]:
        for _, line in self._lines():
            yield (_TOO_LONG, 0) if line is None else (_parsed(line), len(line))

    def _cells(self) -> Iterator[tuple[Record, int]]:
        columns: list[str] | None = None
        for number, line in self._lines():
            if columns is None:
                if line is None:
                    raise SchemaError("the upload", [f"its first line {_TOO_LONG[1]}"])
                columns = header_of(line)
            elif line is None:
                yield _TOO_LONG, 0
            else:
                yield _row(line, number, columns, self.texts), len(line)

    def _rows(self) -> Iterator[Record]:
        for part in pl.scan_parquet(self.path).collect_batches(chunk_size=CHUNK):
            for row in part.iter_rows(named=True):
                yield gathered({name: _plain(name, one) for name, one in row.items() if one is not None}), None


def features_of(artefact: Path) -> Sequence[Feature]:
    """What a registered version takes of a record; nothing where its answers are looked up."""
    kept = Kept.read(artefact) if (artefact / SERVING).exists() else None
    return () if kept is None or kept.takes != "rows" else Signature.from_json(kept.signature).features


def open_version(version: Version, artefacts: Artefacts, folder: Path) -> Ready:
    """A version ready to answer: checked LightGBM text in this process, whatever else takes rows in one of its own.

    Raises
    ------
    MissingInputError
        Where it neither takes rows of features nor has a table of answers.
    """
    artefact = artefacts.path(version.digest)
    found = newest_table(folder / TABLES / version.model / str(version.number))
    served = Served(
        model=version.model,
        number=version.number,
        kind=version.kind,
        digest=version.digest,
        folder=str(artefact),
        table=None if found is None else str(found),
    )
    table = None if found is None else OnlineTable.open(found)
    kept = Kept.read(artefact) if (artefact / "serving.json").exists() else None
    if kept is None or kept.takes != "rows":
        if table is None:
            raise MissingInputError(f"{version} has no online table yet; run finalmile forecast {version.model} first")
        return Ready(served=served, table=table)
    reader = RowReader(Signature.from_json(kept.signature))
    model = Apart(artefact, kept) if kept.isolated else cast("ModelOfRows", opened(artefact))
    return Ready(served=served, reader=reader, model=model, table=table)


class Apart:
    """A model in a process of its own, started again before the next question where it ended; given up after 20 ends.

    Parameters
    ----------
    folder
        The registered artefact.
    """

    def __init__(self, folder: Path, kept: Kept, /) -> None:
        self._folder, self._kept, self._ends = folder, kept, 0
        self._process = self._started()

    def rows(self, features: Rows, /) -> Rows:
        """What the model says of rows; ``ModelFaultError`` where it does not answer as it must."""
        if not self._process.alive:
            self._ends += 1
            if self._ends > _MOST_ENDS:
                raise ModelFaultError("struck out", f"the model ended {_MOST_ENDS} times and is asked no more")
            self._process.close()
            self._process = self._started()
        return self._process.rows(features, outputs=len(self._kept.outputs))

    def close(self) -> None:
        """End its process."""
        self._process.close()

    def _started(self) -> Process:
        reaches_out = self._kept.made().reaches_out
        return Process(self._folder, reaches_out=reaches_out, secrets=self._kept.secrets)


def answer_all(ready: Ready, source: Source, folder: Path, tell: Callable[[int, int], None]) -> Path:
    """Answer every record into ``result.parquet``: a row per record and period, or one that says why there is none.

    Parts that an earlier run finished are kept, so that an interrupted one goes on.

    Parameters
    ----------
    tell
        Called with records done and records in all.
    """
    total, done = source.count(), 0
    parts: list[Path] = []
    folder.mkdir(parents=True, exist_ok=True)
    for chunk in source.chunks():
        part = folder / f"part-{done:09d}.parquet"
        if not part.exists():
            pending = part.with_suffix(".pending")
            _frame(_answered(ready, chunk, first=done)).write_parquet(pending)
            pending.replace(part)
        parts.append(part)
        done += len(chunk)
        tell(done, total)
    if not parts:
        raise SchemaError("the upload", ["it holds no record; send at least one"])
    pending, result = folder / "result.pending", folder / "result.parquet"
    whole = pl.concat([pl.scan_parquet(part) for part in parts], how="diagonal_relaxed")
    whole.sink_parquet(pending, compression="zstd")  # part by part: an upload may be larger than the memory
    pending.replace(result)
    for part in parts:
        part.unlink()
    return result


def _answered(ready: Ready, chunk: list[Record], *, first: int) -> Iterator[dict[str, object]]:
    planned = [_planned(ready, record) for record in chunk]
    plans = [plan for plan, _ in planned if plan is not None and plan.rows is not None]
    answers = iter(_run(ready, plans))
    for at, (plan, why) in enumerate(planned, start=first):
        if plan is None:
            yield {"row": at, "error": why}
        elif plan.rows is None:
            yield from _told(at, plan, ready.of_table(plan))
        else:
            told = next(answers)
            if isinstance(told, str):
                yield {"row": at, "unique_id": plan.asked.unique_id, "error": told}
            else:
                yield from _told(at, plan, ready.of_rows(plan, told))


def _planned(ready: Ready, record: Record) -> tuple[Plan | None, str | None]:
    told, why = record
    if why is not None:
        return None, why
    faults: list[Fault] = []
    plan = ready.plan(read_asked(told, "", faults), faults)
    return (None if faults else plan), "; ".join(f"{where}: {what}" for where, what in faults)


def _run(ready: Ready, plans: list[Plan]) -> list[Any]:
    """What the model says of each plan's rows; where it fails on all together it is asked one by one."""
    if not plans:
        return []
    rows = [plan.rows for plan in plans if plan.rows is not None]
    try:
        return np.split(ready.run(np.concatenate(rows)), np.cumsum([len(one) for one in rows])[:-1])
    except Exception:  # whatever a model raises, the other records are answered
        return [_one(ready, one) for one in rows]


def _one(ready: Ready, rows: Any) -> Any:
    try:
        return ready.run(rows)
    except Exception as error:  # told in the row's own place
        return f"{type(error).__name__}: {error}"[:500]


def _told(at: int, plan: Plan, answer: Answer) -> Iterator[dict[str, object]]:
    for step, mean in enumerate(answer.mean):
        ds = plan.ds[step] if step < len(plan.ds) else None
        row: dict[str, object] = {"row": at, "unique_id": plan.asked.unique_id, "ds": ds, "mean": float(mean)}
        for level, values in zip(answer.levels, answer.quantiles, strict=True):
            row[quantile_column(level)] = float(values[step])
        if answer.windows is not None and step == 0:
            row["windows"] = orjson.dumps(answer.windows, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        yield row


_SCHEMA = {"row": pl.Int64, "unique_id": pl.String, "ds": pl.String, "mean": pl.Float64, "error": pl.String}


def _frame(rows: Iterator[dict[str, object]]) -> pl.DataFrame:
    told = list(rows)
    extra = sorted({name for row in told for name in row} - set(_SCHEMA))
    types = {name: pl.String if name == "windows" else pl.Float64 for name in extra}
    return pl.DataFrame(told, schema={**_SCHEMA, **types})


_TOO_LONG: Record = (None, f"is longer than {LONGEST_LINE:,} bytes; send a record a line")


def _parsed(line: bytes) -> Record:
    if line.count(b"[") + line.count(b"{") > _DEPTH and depth_of(line) > _DEPTH:
        return None, f"is nested more than {_DEPTH} deep; records need 3"
    try:
        return orjson.loads(line), None
    except orjson.JSONDecodeError as error:
        return None, f"is not JSON: {error}"


def _row(line: bytes, number: int, columns: list[str], texts: frozenset[str]) -> Record:
    """A line as a record. Each is read for itself, so that a quote without an end spoils no other."""
    try:
        told, why = named_cells(cut(line.decode("utf-8")), columns, texts=texts)
    except (UnicodeDecodeError, csv.Error) as error:
        return None, f"line {number} is no row of CSV in UTF-8: {error}"
    return (None, why) if told is None else (gathered(told), None)


def _plain(name: str, value: object) -> object:
    """A value of a Parquet file as JSON would tell it."""
    if name == "unique_id":
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain("", one) for one in cast("list[object]", value)]
    told = value if isinstance(value, str | int | float) else str(value)
    return whole(told) if name == "horizon" else told
