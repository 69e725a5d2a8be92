"""What is told of two versions that are compared: terms, decision, figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, get_args

import numpy as np

from finalmile.errors import ConfigError
from finalmile.monitoring.versions import Verdict
from finalmile.records import Finding, Json

Source = Literal["batch", "shadow", "arms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a comparison is to be judged, fixed before anybody looks.

    Parameters
    ----------
    horizon_days
        Days after which it ends; ``None`` for one without an end.
    margin
        Relative difference that is none.
    alpha
        Probability of a wrong winner or loser where there is no difference.
    source
        ``"batch"``: both forecast from the same cutoffs. ``"shadow"``: one scored the log of the other again.
        ``"arms"``: each answers products of its own.
    """

    horizon_days: float | None = None
    margin: float | None = 0.02
    alpha: float = 0.05
    source: Source = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Terms as somebody asked for them; what is ``None`` is left to what there is, or to the defaults."""

    horizon_days: float | None = None
    anytime: bool = False
    margin: float | None = None
    alpha: float | None = None
    source: str | None = None

    def over(self, terms: Terms) -> Terms:
        """These terms, where any was given, else the others.

        Raises
        ------
        ConfigError
            A term that cannot be used; every fault.
        """
        faults = list(self._faults())
        if faults:
            raise ConfigError("compare", faults)
        names = ("horizon_days", "margin", "alpha", "source")
        given: dict[str, Any] = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.anytime:
            given["horizon_days"] = None
        return replace(terms, **given)

    def _faults(self) -> Iterator[str]:
        if self.anytime and self.horizon_days is not None:
            yield "anytime has no last day; leave out the horizon"
        if self.horizon_days is not None and not 7 <= self.horizon_days <= 3660:
            yield f"a horizon of {self.horizon_days:g} days; it must be between 7 and 3660"
        if self.margin is not None and not 0 < self.margin < 1:
            yield f"margin is {self.margin:g}; it is a relative difference above 0 and below 1, such as 0.02"
        if self.alpha is not None and not 0 < self.alpha < 0.5:
            yield f"alpha is {self.alpha:g}; it must be above 0 and below 0.5"
        if self.source is not None and self.source not in get_args(Source):
            yield f"no rows are called {self.source!r}; known: {', '.join(get_args(Source))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What two versions' errors prove so far."""

    model: str
    champion: int
    challenger: int
    terms: Terms
    verdict: Verdict
    finding: Finding
    since: date | datetime
    decided_at: date | datetime | None = None
    gains: tuple[float | None, ...] = ()
    breached: bool = False

    @property
    def decision(self) -> str:
        """``win``, ``lose``, ``equal``, ``undecided`` or ``hold``; of the challenger."""
        return self.verdict.decision

    def lines(self) -> list[str]:
        """The decision, what it rests on, and what to do next."""
        until = "without an end" if self.terms.horizon_days is None else f"for {self.terms.horizon_days:g} days"
        when = "" if self.decided_at is None else f" Decided on {self.decided_at}."
        return [
            f"{self.decision}: {self.finding.why}{when}",
            f"Since {self.since}, {until}. However often one looks, a winner or loser is named wrongly with "
            f"probability {self.terms.alpha:g} at most; somewhat oftener where days depend on one another.",
            self.next_step,
        ]

    @property
    def next_step(self) -> str:
        """What to do now."""
        again = f"finalmile compare {self.model} --champion {self.champion} --challenger {self.challenger}"
        if self.verdict.ended and self.decision in ("undecided", "hold"):
            return f"{self.model}@{self.champion} stays. To ask again: {again} --anew"
        return {
            "win": f"Next: finalmile promote {self.model}@{self.challenger}",
            "lose": f"{self.model}@{self.champion} stays.",
            "equal": "Take the cheaper or the simpler of the two.",
        }.get(self.decision, f"Next: look again after the next sales: {again}")

    def to_dict(self) -> Json:
        """Everything, infinities as ``None``."""
        return {
            "model": self.model,
            "champion": self.champion,
            "challenger": self.challenger,
            "decision": self.decision,
            "decided_at": self.decided_at,
            "since": self.since,
            "terms": asdict(self.terms),
            "verdict": {
                name: None if isinstance(value, float) and not np.isfinite(value) else value
                for name, value in asdict(self.verdict).items()
            },
            "gains": list(self.gains),
            "finding": asdict(self.finding),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """Every comparison of a model that was begun."""

    model: str
    rows: tuple[Compared, ...] = field(default_factory=tuple)
    breached: bool = False

    def lines(self) -> list[str]:
        """One after another."""
        nothing = f"No version of {self.model} is compared with another. Run: finalmile compare {self.model}"
        return [line for row in self.rows for line in row.lines()] or [nothing]

    def to_dict(self) -> Json:
        """Rows under ``comparisons``."""
        return {"model": self.model, "comparisons": [row.to_dict() for row in self.rows]}


def compared_from(told: Mapping[str, Any]) -> Compared:
    """The inverse of :meth:`Compared.to_dict`, after it went through JSON."""
    verdict: dict[str, Any] = {name: _number(name, value) for name, value in told["verdict"].items()}
    finding: dict[str, Any] = {
        **told["finding"],
        "at": _stamp(told["finding"]["at"]),
        "since": _stamp(told["finding"]["since"]),
    }
    return Compared(
        model=told["model"],
        champion=told["champion"],
        challenger=told["challenger"],
        terms=Terms(**told["terms"]),
        verdict=Verdict(**verdict),
        finding=Finding(**finding),
        since=_stamp(told["since"]) or date.min,
        decided_at=_stamp(told["decided_at"]),
        gains=tuple(told["gains"]),
        breached=bool(finding["breached"]),
    )


def _number(name: str, value: Any) -> Any:
    missing = {"gain": np.nan, "low": -np.inf, "high": np.inf, "threshold": np.inf, "evidence": 0.0}
    return float(missing[name]) if value is None and name in missing else value


def _stamp(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
