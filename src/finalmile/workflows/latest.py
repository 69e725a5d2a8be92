"""The newest logged predictions, read from the end of the log: what it costs does not grow with the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import orjson
import polars as pl

from finalmile.predictions.frame import KEYS, first_told, read_lines
from finalmile.workflows.seal import PREDICTIONS

_MOST_LINES, _MOST_ROWS = 200_000, 2_000_000


class Backwards(Protocol):
    """Rows of one worker slot that are not in the lake yet, the newest first."""

    def backwards(self) -> Iterator[list[bytes]]:
        """Rows of some groups at a time, from the last group to the first."""
        ...


class Parts(Protocol):
    """A table in parts."""

    def newest(self, table: str) -> Iterator[tuple[datetime, int, Callable[[], pl.LazyFrame]]]:
        """Every part, the one written last first: when that was, how many rows it has, and what opens it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which predictions.

    Parameters
    ----------
    limit
        Rows at most; a prediction has one for each of its periods.
    since
        Only those issued at or after this instant, aware.
    """

    model: str
    unique_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    limit: int = 100

    def rows(self) -> pl.Expr:
        """Which rows of a frame."""
        wanted = pl.col("model") == self.model
        for name, value in (("unique_id", self.unique_id), ("request_id", self.request_id)):
            if value is not None:
                wanted &= pl.col(name) == value
        return wanted if self.since is None else wanted & (pl.col("issued_at") >= self.since)

    def marks(self) -> list[bytes]:
        """What a line of the log holds somewhere where it is wanted; others need not be read."""
        told = (value for value in (self.model, self.unique_id, self.request_id) if value is not None)
        return [orjson.dumps(value) for value in told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """Rows that were found, newest first.

    Parameters
    ----------
    complete
        Whether older rows were left unread only because newer ones fill the limit.
    """

    frame: pl.DataFrame
    complete: bool = True


def latest(tails: Sequence[Backwards], lake: Parts, wanted: Wanted) -> Latest:
    """The newest rows that are wanted, each once; parts of the log that cannot hold any of them are not opened.

    A part holds nothing that was issued after it was written, so that reading ends with the first one that is older
    than all that was found. No more than 200,000 lines of each tail and 2,000,000 sealed rows are looked at.
    """
    found, complete = pl.DataFrame(), True
    for tail in tails:
        hot, all_read = _hot(tail, wanted)
        found, complete = _merged(found, hot, wanted), complete and all_read
    looked_at = 0
    for written_at, count, opened in lake.newest(PREDICTIONS):
        if _older(written_at, found, wanted):
            break
        if looked_at >= _MOST_ROWS:
            complete = False
            break
        looked_at += count
        found = _merged(found, _sealed(opened(), wanted), wanted)
    return Latest(frame=found, complete=complete)


def _hot(tail: Backwards, wanted: Wanted) -> tuple[pl.DataFrame, bool]:
    found, looked_at, marks = pl.DataFrame(), 0, wanted.marks()
    for lines in tail.backwards():
        full = found.height >= wanted.limit
        mine = [line for line in lines if all(mark in line for mark in marks)]
        found = _merged(found, read_lines(mine).frame.filter(wanted.rows()), wanted)
        if full:  # one step past the last row needed: lines are in order of commit, not quite of issue
            return found, True
        looked_at += len(lines)
        if looked_at >= _MOST_LINES:
            return found, False
    return found, True


def _sealed(rows: pl.LazyFrame, wanted: Wanted) -> pl.DataFrame:
    """The newest rows of a part: first which they are, by one column, then they alone."""
    mine = rows.filter(wanted.rows())
    instants = mine.select("issued_at").top_k(wanted.limit, by="issued_at").collect(engine="streaming")["issued_at"]
    if not len(instants):
        return pl.DataFrame()
    return mine.filter(pl.col("issued_at") >= instants.min()).drop("seal", strict=False).collect(engine="streaming")


def _merged(found: pl.DataFrame, more: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    if not more.height:
        return found
    both = first_told(pl.concat([found, more], how="diagonal_relaxed") if found.height else more)
    return both.sort("issued_at", *KEYS, descending=[True, False, False]).head(wanted.limit)


def _older(written_at: datetime, found: pl.DataFrame, wanted: Wanted) -> bool:
    """Whether nothing written until then can be among what is wanted."""
    if wanted.since is not None and written_at < wanted.since:
        return True
    return found.height >= wanted.limit and written_at < found["issued_at"][-1]
