"""Export purchase orders: chosen from the ledger, written in a registered format, each file whole and only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from finalmile.adapters.local.durable import write_once
from finalmile.errors import ConfigError, MissingInputError, UnknownNameError
from finalmile.inventory.exports import OrderFile, OrderFormat, purchase_orders
from finalmile.ports import Ledger
from finalmile.records import Json, OrderLine, OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersExported:
    """Purchase orders that are in files now."""

    files: tuple[str, ...]
    orders: tuple[str, ...]
    rows: int
    notes: tuple[str, ...] = ()
    breached: bool = False

    def lines(self) -> list[str]:
        """What was written where, and what was written otherwise than it was given."""
        head = f"{len(self.orders):,} orders of {self.rows:,} lines are in {len(self.files):,} files:"
        return [head, *(f"  {path}" for path in self.files), *(f"note: {note}" for note in self.notes)]

    def to_dict(self) -> Json:
        """Files, orders, lines, notes."""
        return asdict(self)


def export_orders(
    ledger: Ledger,
    path: Path,
    *,
    file_format: OrderFormat,
    orders: Sequence[str] = (),
    states: Sequence[OrderState] = ("approved",),
) -> OrdersExported:
    """Write orders as files; the same orders again are the same bytes, and change nothing.

    Parameters
    ----------
    path
        A file, where there is an ending and the format makes one file; else a folder.
    orders
        Ids to write, in any state; all in ``states`` where empty.

    Raises
    ------
    MissingInputError
        Where there is no such order.
    ConflictError
        Where a file of that name holds something else. Nothing is written then.
    """
    lines = _chosen(ledger, orders, states)
    files = file_format(purchase_orders(lines))
    targets = _targets(path, files)
    write_once({target: file.content for target, file in zip(targets, files, strict=True)})
    return OrdersExported(
        files=tuple(str(target) for target in targets),
        orders=tuple(sorted({name for file in files for name in file.orders})),
        rows=len(lines),
        notes=tuple(dict.fromkeys(note for file in files for note in file.notes)),
    )


def _chosen(ledger: Ledger, orders: Sequence[str], states: Sequence[OrderState]) -> list[OrderLine]:
    lines = ledger.orders(states=() if orders else tuple(states))
    known = {line.order_id for line in lines}
    for name in orders:
        if name not in known:
            raise UnknownNameError("order", name, known)
    chosen = [line for line in lines if not orders or line.order_id in set(orders)]
    if not chosen:
        raise MissingInputError(
            f"no order is {' or '.join(states)}; approve orders first, or choose others with --state or --order"
        )
    return chosen


def _targets(path: Path, files: Sequence[OrderFile]) -> list[Path]:
    """Where each file goes."""
    if path.is_dir() or not path.suffix:
        return [path / file.name for file in files]
    if len(files) != 1:
        raise ConfigError(str(path), [f"these orders make {len(files)} files; give a folder, or one --order"])
    return [path]
