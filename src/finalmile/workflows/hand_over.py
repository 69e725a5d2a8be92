"""Hand the lines of one document over to a supplier: written in a format, delivered in a way, both by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finalmile.config import Config
from finalmile.inventory.exports import OrderFile, OrderFormat, exports, purchase_orders
from finalmile.inventory.exports.purchase_orders import file_name
from finalmile.ports import OrderDelivery, deliveries
from finalmile.records import OrderLine

EVERYBODY = "*"
"""Under ``sending``: every supplier that has no entry of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """How orders reach a supplier; called with a document's id and its lines, it says where they are.

    The same document with the same lines is the same bytes under the same names and the same key, so that doing it
    again, after a crash or a time-out, orders nothing twice.

    Parameters
    ----------
    home
        Folder that relative paths are below.
    """

    file_format: OrderFormat
    delivery: OrderDelivery
    home: Path

    def __call__(self, document: str, lines: Sequence[OrderLine], /) -> str:
        """Write the lines as an order of the document's id, and give back where it is once it is there for good.

        Raises
        ------
        SchemaError
            Where the format cannot carry a line.
        ConflictError
            Where something else is there under the same name.
        TransientError, PermanentError
            Where it was not taken; nothing counts as sent then.
        """
        files = self.file_format(purchase_orders([replace(line, order_id=document) for line in lines]))
        return self.delivery.deliver(_named(document, files), key=document, home=self.home)


def _named(document: str, files: Sequence[OrderFile]) -> dict[str, bytes]:
    """Files called after the document, so that another content of the same document is noticed."""
    if len(files) == 1:
        return {file_name(document, files[0].name.rpartition(".")[2]): files[0].content}
    stem = file_name(document, "")
    return {f"{stem}{file.name}": file.content for file in files}


def hand_over(
    config: Config, supplier: str, /, *, home: Path, file_format: str | None = None, to: Path | None = None
) -> HandOver:
    """How orders reach a supplier by the settings: its own entry under ``sending``, else that of ``"*"``.

    Parameters
    ----------
    file_format
        In place of the format of the settings.
    to
        A folder, in place of the delivery of the settings.
    """
    sending = config.sending_to(supplier)
    name = file_format or sending.format
    given = {"folder": str(to)} if to is not None else dict(sending.settings)
    return HandOver(
        file_format=exports.make(name, **config.exports.get(name, {})),
        delivery=deliveries.make("folder" if to is not None else sending.by, **given),
        home=home,
    )
