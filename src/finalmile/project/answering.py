"""Answers of suppliers to orders of a project."""

from __future__ import annotations

import hashlib
from pathlib import Path

from finalmile.adapters.files import read_at_most
from finalmile.inventory.answers import answers, format_of
from finalmile.inventory.answers.text import LARGEST
from finalmile.project.ordering import Ordering
from finalmile.workflows.answers import AnswersTaken, take_answers


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
            Registered name: ``x12_855``, ``edifact_ordrsp``, ``ubl_order_response``, ``answers_csv``; by default as
            the file begins.
        supplier
            Whose file it is: answers to orders of anybody else are faults then.

        Raises
        ------
        SchemaError
            With the place of every fault: what cannot be read, does not add up, or answers what was never sent.
        """
        name = Path(path).name
        content = read_at_most(Path(path), largest=LARGEST)
        told = answers.make(format or format_of(content))(content, name=name)
        digest = hashlib.sha256(content).hexdigest()[:16]
        with self._writing(f"answers {name}"):
            return take_answers(self.shop, told, self._standing(), source=name, digest=digest, supplier=supplier)
