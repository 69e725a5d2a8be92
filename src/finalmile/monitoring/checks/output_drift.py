"""The output check: have the answers of a model become other answers than those it was certified with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.monitoring.inputs.told import Speaker
from finalmile.monitoring.registry import checks
from finalmile.records import Finding


@checks.add("output_drift")
@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDriftCheck:
    """The input check on what a model answers: means, quantiles, or the distance between two of them.

    Outputs may change because inputs did, because the version did or because the world did; it says that forecasts
    are other forecasts, not that they are worse.

    Parameters
    ----------
    engine
        Rates, recovery and bets, with the guarantee of the input check.
    """

    engine: InputDriftCheck = field(default_factory=InputDriftCheck)

    @property
    def speaker(self) -> Speaker:
        """How findings are told."""
        return Speaker(
            check="output_drift",
            noun="output",
            alarm=math.log(self.engine.arl),
            warning=math.log(self.engine.warning_arl),
        )

    def start(self, reference: InputReference) -> InputState:
        """Learn what is normal from answers of the reference; ``MissingInputError`` for fewer than 20 looks."""
        return self.engine.start(reference)

    def update(self, state: InputState, look: Look) -> tuple[InputState, list[Finding]]:
        """Judge the answers of one more look; gives the new state and what was found, whether breached or not."""
        return self.engine.told_by(self.speaker, state, look)

    def acknowledge(
        self, state: InputState, subjects: Sequence[str] | None = None, *, accept: bool = False
    ) -> InputState:
        """End alarms by hand, as :meth:`InputDriftCheck.acknowledge` does."""
        return self.engine.acknowledge(state, subjects, accept=accept)
