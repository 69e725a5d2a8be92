"""Which folder a project is in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "FINALMILE_PROJECT"


def project_folder(given: Path | None, environment: Mapping[str, str], /) -> Path:
    """The folder given, else that of ``FINALMILE_PROJECT``, else the current one.

    Examples
    --------
    >>> project_folder(None, {"FINALMILE_PROJECT": "shop"}).name, project_folder(Path("here"), {}).name
    ('shop', 'here')
    """
    if given is not None:
        return given
    return Path(environment.get(VARIABLE) or ".")
