"""What is kept of a registered model beside its files: ``serving.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from finalmile.errors import CorruptError
from finalmile.forecasters.loaders.contract import Loader, loaders

SERVING = "serving.json"
FILES = "files"
CODE = "code"
Plain = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How a registered model is brought to answer again.

    Parameters
    ----------
    loader, settings
        Name in the registry of loaders, and its settings.
    takes
        ``"rows"`` of declared features, or ``"sales"``.
    signature
        Features and outputs, as JSON; no features where it takes sales.
    made_by
        ``pkg.mod:fn`` that makes the features from sales, for a forecast of everything and for the endpoint alike.
    golden
        Rows and the answers they must give again; for sales, nothing.
    trust
        Whether the owner said that code in its files may run.
    code
        sha256 of each source file outside the artefact that it runs, by module; it must stay what it was.
    """

    loader: str
    settings: Plain = field(default_factory=dict[str, Any])
    takes: str = "rows"
    signature: Plain = field(default_factory=dict[str, Any])
    made_by: str | None = None
    golden: Plain = field(default_factory=dict[str, Any])
    trust: bool = False
    code: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its answers."""
        return tuple(self.signature.get("outputs", ("mean",)))

    @property
    def isolated(self) -> bool:
        """Whether it answers from a process of its own: all but checked LightGBM text does."""
        return self.loader != "lightgbm"

    def made(self) -> Loader:
        """The loader with its settings."""
        return loaders.make(self.loader, **dict(self.settings))

    def write(self, folder: Path, /) -> None:
        """Write ``serving.json``."""
        told = {
            "loader": self.loader,
            "settings": dict(self.settings),
            "takes": self.takes,
            "signature": dict(self.signature),
            "made_by": self.made_by,
            "golden": _without_nan(self.golden),
            "trust": self.trust,
            "isolated": self.isolated,
            "code": dict(self.code),
            "secrets": list(self.secrets),
        }
        (folder / SERVING).write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))

    @classmethod
    def read(cls, folder: Path, /) -> Kept:
        """What :meth:`write` wrote.

        Raises
        ------
        CorruptError
            It is not there or cannot be read.
        """
        try:
            told: dict[str, Any] = orjson.loads((folder / SERVING).read_bytes())
            return cls(
                loader=told["loader"],
                settings=told["settings"],
                takes=told.get("takes", "rows"),
                signature=told["signature"],
                made_by=told.get("made_by"),
                golden=told.get("golden", {}),
                trust=told["trust"],
                code=told.get("code", {}),
                secrets=tuple(told.get("secrets", ())),
            )
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise CorruptError(f"{folder / SERVING} cannot be read ({fault!r}); register the model again") from fault


def _without_nan(golden: Plain) -> dict[str, Any]:
    """JSON has no NaN: a missing value is ``null``."""
    return {
        name: [[None if isinstance(v, float) and math.isnan(v) else v for v in row] for row in rows]
        for name, rows in golden.items()
    }
