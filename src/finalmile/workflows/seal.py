"""Seal: predictions go from the hot tails of workers into the lake, each exactly once, and are read as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Protocol

import polars as pl

from finalmile.ports import Lake, Ledger
from finalmile.predictions.frame import KEYS, first_told, read_lines
from finalmile.records import Json

PREDICTIONS, UNREAD = "predictions", "predictions_unread"
_NUMBER = "predictions/seal"
_KEYED = {"keyed": "yes"}

Hold = Callable[[], AbstractContextManager[None]]


class HotTail(Protocol):
    """Rows of one worker slot that are not in the lake yet, in numbered groups."""

    @property
    def name(self) -> str:
        """What no other tail is called, nor one made later in its place."""
        ...

    @property
    def last(self) -> int:
        """Number of its newest group; 0 before the first."""
        ...

    def groups(self, *, after: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Number and rows of every group past a number, in order."""
        ...

    def drop(self, upto: int, /) -> None:
        """Forget groups up to a number."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a pass over the tails did.

    Parameters
    ----------
    rows
        New in the lake.
    repeated
        Rows of predictions that were there already: the same idempotency key, on another slot or tried again.
    unread
        Lines that were no prediction; kept as they are in the table ``predictions_unread``.
    """

    rows: int = 0
    repeated: int = 0
    unread: int = 0
    breached: bool = False

    def lines(self) -> list[str]:
        """What was sealed."""
        odd = f" {self.unread:,} lines could not be read; see the table {UNREAD}." if self.unread else ""
        return [f"{self.rows:,} rows of predictions sealed, {self.repeated:,} repeated ones dropped.{odd}"]

    def to_dict(self) -> Json:
        """Counts."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """Whole groups of a tail, taken together."""

    lines: list[bytes]
    last: int
    numbers: list[int]


def seal(
    tails: Sequence[HotTail], lake: Lake, ledger: Ledger, *, hold: Hold = nullcontext, lines: int = 50_000
) -> Sealed:
    """Move what stands in the tails now into the lake; what comes meanwhile waits for the next pass.

    A slice of a tail becomes one segment under ``(predictions, name of the tail, number of its last group)``, and its
    groups are dropped only after that. Whoever is killed in between leaves groups that the next pass finds sealed, and
    drops. Rows of a prediction_id that is in the lake, or comes twice, are left out.

    Parameters
    ----------
    hold
        Takes the project lock for one slice, so that others who write wait for one slice at most; nothing where the
        caller holds it.
    lines
        About as many lines of a tail go into one segment.
    """
    done = Sealed()
    for tail in tails:
        upto, after = tail.last, -1
        while after < upto:
            with hold():
                after = max(lake.sequence(PREDICTIONS, tail.name), 0)
                part = _slice(tail, after, lines) if after < upto else None
                if part is not None:
                    done, after = _sealed(part, tail, lake, ledger, before=done), part.last
            if after:
                tail.drop(after)
            if part is None:
                break
    return done


def predictions(
    tails: Sequence[HotTail],
    lake: Lake,
    *,
    model: str | None = None,
    version: int | None = None,
    role: str | None = None,
    since: datetime | None = None,
) -> pl.DataFrame:
    """Every logged prediction once, sealed or not, a row per period; in order of issue.

    Parameters
    ----------
    since
        Only those issued at or after this instant.
    """
    hot = read_lines([line for tail in tails for _, rows in tail.groups() for line in rows]).frame
    sealed = lake.scan(PREDICTIONS)  # after the hot rows: what moves meanwhile is seen twice rather than never
    wanted = _wanted(model=model, version=version, role=role, since=since)
    parts = [hot.filter(wanted)]
    if columns := sealed.collect_schema():
        parts.insert(0, sealed.filter(wanted).select(name for name in columns if name != "seal").collect())
    return first_told(pl.concat(parts, how="diagonal_relaxed")).sort("issued_at", *KEYS)


def next_seal(ledger: Ledger) -> int:
    """A number above every one given before, which rows carry in the column ``seal``; call it holding the lock."""
    number = last_seal(ledger) + 1
    ledger.save_state(_NUMBER, str(number).encode())
    return number


def last_seal(ledger: Ledger) -> int:
    """The newest number given to sealed rows; 0 before the first."""
    blob = ledger.load_state(_NUMBER)
    return 0 if blob is None else int(blob)


def _slice(tail: HotTail, after: int, lines: int) -> _Slice | None:
    taken = _Slice(lines=[], last=after, numbers=[])
    for number, rows in tail.groups(after=after):
        taken.lines.extend(rows)
        taken.numbers.extend([number] * len(rows))
        taken = replace(taken, last=number)
        if len(taken.lines) >= lines:
            break
    return taken if taken.last > after else None


def _sealed(part: _Slice, tail: HotTail, lake: Lake, ledger: Ledger, *, before: Sealed) -> Sealed:
    read = read_lines(part.lines)
    _set_aside(part, read.broken, tail, lake)
    fresh = _not_sealed(first_told(read.frame), lake)
    if fresh.height:
        tags: Mapping[str, str] = _KEYED if fresh["key"].null_count() < fresh.height else {}
        stamped = fresh.with_columns(pl.lit(next_seal(ledger), dtype=pl.Int64).alias("seal"))
        lake.append(PREDICTIONS, stamped, writer=tail.name, sequence=part.last, tags=tags)
    return Sealed(
        rows=before.rows + fresh.height,
        repeated=before.repeated + read.frame.height - fresh.height,
        unread=before.unread + len(read.broken),
    )


def _not_sealed(rows: pl.DataFrame, lake: Lake) -> pl.DataFrame:
    """Rows whose id is not in the lake; only ids of idempotency keys can come again."""
    if not rows.height or rows["key"].null_count() == rows.height:
        return rows
    sealed = lake.scan(PREDICTIONS, tags=_KEYED)
    if not sealed.collect_schema():
        return rows
    mine = rows.lazy().filter(pl.col("key").is_not_null()).select("prediction_id")
    known = sealed.select("prediction_id").join(mine, on="prediction_id", how="semi").unique().collect()
    return rows.join(known, on="prediction_id", how="anti", maintain_order="left")


def _set_aside(part: _Slice, broken: Sequence[int], tail: HotTail, lake: Lake) -> None:
    """Keep lines that are no prediction, so that nothing a worker wrote is thrown away."""
    kept_upto = lake.sequence(UNREAD, tail.name)
    fresh = [at for at in broken if part.numbers[at] > kept_upto]
    if fresh:
        texts = [part.lines[at].decode("utf-8", "replace") for at in fresh]
        frame = pl.DataFrame({"tail": tail.name, "group": [part.numbers[at] for at in fresh], "line": texts})
        lake.append(UNREAD, frame, writer=tail.name, sequence=max(part.numbers[at] for at in fresh))


def _wanted(*, model: str | None, version: int | None, role: str | None, since: datetime | None) -> pl.Expr:
    wanted = pl.lit(True)
    for name, value in (("model", model), ("version", version), ("role", role)):
        if value is not None:
            wanted &= pl.col(name) == value
    return wanted if since is None else wanted & (pl.col("issued_at") >= since)
