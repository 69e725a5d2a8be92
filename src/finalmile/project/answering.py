"""Answers of suppliers to orders of a project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from finalmile.errors import SchemaError
from finalmile.project.ordering import Ordering
from finalmile.records import OrderLine
from finalmile.workflows import receipts

if TYPE_CHECKING:
    from finalmile.adapters.sources import Source
    from finalmile.workflows.answers import AnswersTaken, FilesTaken
    from finalmile.workflows.receipt_files import ReceiptsTaken


class Answering(Ordering):
    """What suppliers say of orders that were sent."""

    def take_answers(
        self,
        path: Path | str,
        *,
        format: str | None = None,  # noqa: A002  # the verb's word
        supplier: str | None = None,
    ) -> AnswersTaken:
        """Note what a supplier's file answers: other quantities and days, and what will not come.

        All of it or nothing; the same file again changes nothing.

        Parameters
        ----------
        format
            Registered name: ``x12_855``, ``x12_856``, ``edifact_ordrsp``, ``edifact_desadv``,
            ``ubl_order_response``, ``answers_csv``; by default as the file begins.
        supplier
            Whose file it is: answers to orders of anybody else are faults then.

        Raises
        ------
        SchemaError
            With the place of every fault: what cannot be read, does not add up, or answers what was never sent.
        """
        from finalmile.adapters.files import read_at_most
        from finalmile.inventory.answers.text import LARGEST

        content = read_at_most(Path(path), largest=LARGEST)
        return self.take_answer(content, name=Path(path).name, format=format, supplier=supplier)

    def take_answer(
        self,
        content: bytes,
        /,
        *,
        name: str,
        format: str | None = None,  # noqa: A002  # the verb's word
        supplier: str | None = None,
    ) -> AnswersTaken:
        """Note what the content of a supplier's file answers, as :meth:`take_answers` does.

        Parameters
        ----------
        name
            What messages and the audit trail call the file.
        """
        from finalmile.inventory.answers import answers, format_of
        from finalmile.workflows.answers import take_answers

        told = answers.make(format or format_of(content))(content, name=name)
        digest = hashlib.sha256(content).hexdigest()[:16]
        with self._writing(f"answers {name}"):
            return take_answers(self.shop, told, self._as_they_stand(), source=name, digest=digest, supplier=supplier)

    def take_answer_files(
        self,
        paths: Sequence[Path | str],
        *,
        format: str | None = None,  # noqa: A002  # the verb's word
        supplier: str | None = None,
    ) -> FilesTaken:
        """Note what many files answer, one after the other; one that cannot be taken in is told, and the others are.

        The parameters are those of :meth:`take_answers`.
        """
        from finalmile.workflows.answers import FilesTaken

        taken: list[AnswersTaken] = []
        refused: list[str] = []
        for path in paths:
            try:
                taken.append(self.take_answers(path, format=format, supplier=supplier))
            except SchemaError as fault:
                refused.append(f"nothing of {Path(path).name} was taken in. {fault}")
        return FilesTaken(taken=tuple(taken), refused=tuple(refused))

    def take_receipts(
        self, source: Source, *, columns: Mapping[str, str] | None = None, supplier: str | None = None
    ) -> ReceiptsTaken:
        """Note what came of our orders by a table of receipts, and which orders are complete now.

        All of it or nothing; the same rows again change nothing. Each row tells all units of a product that came of an
        order on a day, so another quantity for the same day corrects it. Receipts of another system's orders go to
        :meth:`ingest`.

        Parameters
        ----------
        columns
            Our name to the source's, for columns that are called differently there.
        supplier
            Whose receipts they are: those of anybody else's orders are faults then.

        Raises
        ------
        SchemaError
            With the row of every order or product that is not known, was never approved, or came before it was ordered.
        """
        from finalmile.adapters.sources import load
        from finalmile.frames.schema import clean
        from finalmile.workflows.receipt_files import ReceiptsTaken, of_our_orders

        read = load(source)
        cleaned = clean(
            "receipts",
            read.frame,
            source=read.label,
            now=self.clock.now(),
            columns=columns,
            untyped=read.untyped,
            parts=read.parts,
        )
        rows, notes = of_our_orders(
            cleaned.frame, read.frame, self._as_they_stand(), source=read.label, supplier=supplier
        )
        taken = replace(self.ingest("receipts", rows, backfill=False), source=read.label)
        return ReceiptsTaken(taken=taken, settled=self.settle_orders(), notes=tuple(notes))

    def _as_they_stand(self) -> list[OrderLine]:
        return receipts.as_they_stand(self.ledger.orders(), self._came(), today=self._today())
