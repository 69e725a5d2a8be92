"""Hand the lines of one document over to a supplier: written in a format, delivered in a way, both by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finalmile.config import Config
from finalmile.errors import ConfigError
from finalmile.inventory.exports import OrderFile, OrderFormat, exports, purchase_orders
from finalmile.inventory.exports.purchase_orders import file_name
from finalmile.ports import OrderDelivery, deliveries
from finalmile.records import OrderLine

EVERYBODY = "*"
"""Under ``sending``: every supplier that has no entry of its own."""

Tell = Callable[[Sequence[str]], object]


def unheard(notes: Sequence[str], /) -> None:
    """Tell nobody."""
    del notes


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """How orders reach a supplier; called with a document's id and its lines, it says where they are.

    The same document with the same lines is the same bytes under the same names and the same key, so that doing it
    again, after a crash or a time-out, orders nothing twice.

    Parameters
    ----------
    home
        Folder that relative paths are below.
    tell
        Hears what the format had to write otherwise than it was given, once a document is there.
    """

    file_format: OrderFormat
    delivery: OrderDelivery
    home: Path
    tell: Tell = unheard

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
        where = self.delivery.deliver(_named(document, files), key=document, home=self.home)
        self.tell([f"{document}: {note}" for file in files for note in dict.fromkeys(file.notes)])
        return where


def _named(document: str, files: Sequence[OrderFile]) -> dict[str, bytes]:
    """Files called after the document, so that another content of the same document is noticed."""
    if len(files) == 1:
        return {file_name(document, files[0].name.rpartition(".")[2]): files[0].content}
    stem = file_name(document, "")
    return {f"{stem}{file.name}": file.content for file in files}


def hand_over(
    config: Config,
    supplier: str,
    /,
    *,
    home: Path,
    file_format: str | None = None,
    to: Path | None = None,
    tell: Tell = unheard,
) -> HandOver:
    """How orders reach a supplier by the settings: its own entry under ``sending``, else that of ``"*"``.

    Parameters
    ----------
    file_format
        In place of the format of the settings.
    to
        A folder, in place of the delivery of the settings.
    tell
        Hears what the format had to write otherwise than it was given.

    Raises
    ------
    ConfigError
        Where the format names its receiver by an interchange id, none is set for the supplier, and nobody would look
        at the file before it is on its way.
    """
    sending = config.sending_to(supplier)
    name = file_format or sending.format
    if to is None and sending.by != "folder":
        _refuse_invented_receiver(config, supplier, name)
    given = {"folder": str(to)} if to is not None else dict(sending.settings)
    return HandOver(
        file_format=exports.make(name, **config.exports.get(name, {})),
        delivery=deliveries.make("folder" if to is not None else sending.by, **given),
        home=home,
        tell=tell,
    )


def _refuse_invented_receiver(config: Config, supplier: str, name: str) -> None:
    receivers = getattr(exports.make(name, **config.exports.get(name, {})), "receivers", None)
    if receivers is not None and supplier not in receivers:
        raise ConfigError(
            "finalmile.yaml",
            [f"exports.{name}.receivers holds no interchange id of {supplier}: it would go to nobody. Add it there"],
        )
