"""A level that forgets, times a season learned from many series."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from finalmile.forecasters.artefact import about
from finalmile.forecasters.forgetting import ForgettingLevel
from finalmile.forecasters.rules import fit_rule, load_rule
from finalmile.frames import Panel
from finalmile.ports import Fitted, forecasters


@forecasters.add("exponential_level")
@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialLevel(ForgettingLevel):
    """Exponentially weighted level of each series times a seasonal index that series share.

    Settings and formula are those of :class:`~finalmile.forecasters.forgetting.ForgettingLevel`. A cheap, strong
    forecaster where seasons are long against history (weeks, months); ``corrected_level`` adds trees to it.
    """

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:  # noqa: ARG002  # nothing is drawn
        """Calibrate the rule on the panel."""
        return fit_rule(self, panel, kind="exponential_level", settings=asdict(self))

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What was saved, ready to answer again."""
        settings = cast("dict[str, Any]", about(folder)["settings"])
        return load_rule(cls(**settings), folder, kind="exponential_level", settings=settings)
