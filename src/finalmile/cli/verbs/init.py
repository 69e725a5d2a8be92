"""``finalmile init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finalmile.cli.report import Note
from finalmile.cli.verb import Session, project_class

Folder = Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder to make; that of --project by default.")]


def init(session: Session, folder: Folder = None) -> Note:
    """Make a project: a folder with its settings, all optional, and an empty ledger and lake."""
    where = folder or session.folder
    project_class().init(where)
    said = (f"A project is in {where}.", f"Next: finalmile ingest sales SALES.csv --project {where}")
    return Note(said=said, facts={"project": str(where)})
