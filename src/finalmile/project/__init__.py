"""The composition root: settings become adapters, adapters become a shop, and each verb is handed to its workflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from finalmile.config.reading import FILE_NAME
from finalmile.errors import MissingInputError
from finalmile.ports import Progress
from finalmile.project.answering import Answering
from finalmile.project.core import DEFAULT_MODEL, LEDGER_NAME
from finalmile.project.days import Days
from finalmile.project.endpoint import Endpoint
from finalmile.project.looks import Looks
from finalmile.project.past import Past
from finalmile.project.tables import Table
from finalmile.project.versions import TrainedVersion, Versions

if TYPE_CHECKING:
    from finalmile.workflows.account import Replayed


class Project(Answering, Versions, Endpoint, Days, Past, Looks):
    """A folder with everything in it: settings, a ledger, a lake of tables, model files.

    Parameters
    ----------
    folder
        Made by :meth:`init`, or by the first thing that is added.
    clock
        Where 'now' comes from; the machine's by default.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> project = Project.init(Path(tempfile.mkdtemp()) / "shop")
    >>> project.models().lines()
    ['No version yet. Run: finalmile train demand']
    """

    @classmethod
    def demo(cls, folder: Path, *, seed: int = 0, days: int = 91, progress: Progress | None = None) -> Replayed:
        """Replay the last days of a simulated retailer in which demand suddenly changes."""
        from finalmile.workflows.demo import SETTINGS, demo

        folder.mkdir(parents=True, exist_ok=True)
        if (folder / LEDGER_NAME).exists():
            raise MissingInputError(f"{folder} holds a project already; give the demo an empty folder to keep")
        (folder / FILE_NAME).write_text(SETTINGS, encoding="utf-8")
        return demo(cls.open(folder), seed=seed, days=days, progress=progress)


__all__ = ["DEFAULT_MODEL", "LEDGER_NAME", "Project", "Table", "TrainedVersion"]
