"""A model as its owner offers it, and what became of the offer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from finalmile.errors import ConfigError
from finalmile.forecasters.loaders.contract import Loader, loaders
from finalmile.records import Json, Version
from finalmile.serving.sandbox import Tried
from finalmile.workflows.declaration import Declaration


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A model as its owner offers it.

    Parameters
    ----------
    loader, settings
        Name in the registry of loaders, and its settings.
    path
        The model's file or folder; for ``callable`` its source.
    code
        Source file or package that the model or its feature function needs, kept with the version.
    declaration
        Features; without one the model takes sales.
    trained_until
        Last day that it has learned from.
    """

    loader: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    path: Path | None = None
    code: Path | None = None
    declaration: Declaration | None = None
    trust: bool = False
    trained_until: date | None = None

    def made(self) -> Loader:
        """Its loader.

        Raises
        ------
        ConfigError
            Features are missing or too many, or it would unpickle and is not trusted.
        """
        loader, name = loaders.make(self.loader, **dict(self.settings)), f"loader {self.loader}"
        if loader.unpickles and not self.trust:
            mend = "loading it runs whatever code its files hold; add --trust if you trust where they are from"
            raise ConfigError(name, [mend])
        if loader.takes == "rows" and self.declaration is None:
            raise ConfigError(name, ["it answers rows: declare its features in a file and name that with --features"])
        if loader.takes == "sales" and self.declaration is not None:
            raise ConfigError(name, ["it answers from sales and has no features to declare; leave --features out"])
        return loader


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A new version, and what it showed.

    Parameters
    ----------
    tried
        ``None`` for a model of sales.
    judged
        Whether it forecasts by itself, so that sales can tell how good it is.
    again
        Whether it was a version before: the same files and declarations make no new one.
    """

    version: Version
    tried: Tried | None
    notes: tuple[str, ...] = ()
    judged: bool = True
    again: bool = False
    breached: bool = False

    def lines(self) -> list[str]:
        """What was registered, what it showed, and what to do next."""
        tried, version = self.tried, self.version
        shown = [] if tried is None else [_shown(tried)]
        since = f" already, since {version.created_at:%Y-%m-%d %H:%M} UTC, just as it is" if self.again else ""
        return [f"{version} is registered{since}.", *shown, *self.notes, *self._next()]

    def _next(self) -> list[str]:
        model = self.version.model
        if self.judged:
            return [f"Next: finalmile certify {model}"]
        return [
            f"Next: finalmile certify {model} --endpoint, or let it answer unjudged: finalmile promote {model} --force"
        ]

    def to_dict(self) -> Json:
        """Version, whether it was there before, sandbox, notes."""
        tried = None if self.tried is None else self.tried.to_json()
        return {
            "version": dataclasses.asdict(self.version),
            "again": self.again,
            "sandbox": tried,
            "notes": list(self.notes),
        }


def _shown(tried: Tried) -> str:
    return (
        f"In its sandbox it loaded in {tried.load_seconds:.1f} s, holds {tried.memory_mb:.0f} MB and answers a row in "
        f"{tried.row_us:.0f} us."
    )
