"""The champion check: is the challenger better, worse, or no different on what came true."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from finalmile.monitoring.registry import checks
from finalmile.monitoring.versions import FINAL, MOST_LOOKS, Decision, PairedLook, Rule, Verdict, of_champion, verdict
from finalmile.monitoring.versions.state import ComparisonReference, ComparisonState
from finalmile.records import Finding

_REFERENCE_KEPT = 400


@checks.add("champion")
@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionCheck:
    """Compares losses of two versions on the same rows, one look after another, and decides as soon as it may.

    The look is the sample: losses are summed over all series of a look, so that neither many rows nor series that move
    together make it bold. What one look carries over to the next is taken out. Once it has decided it stays so.

    Parameters
    ----------
    rule
        Error rate, horizon, margin.
    harm_is_critical
        Whether a challenger that loses is an incident: it is where it answers callers.
    """

    rule: Rule = field(default_factory=Rule)
    harm_is_critical: bool = False

    def start(self, reference: ComparisonReference) -> ComparisonState:
        """No look yet."""
        return ComparisonState(
            model=reference.model,
            frequency=reference.frequency,
            champion=reference.champion,
            challenger=reference.challenger,
            first=reference.first,
            last=reference.first - 1,
            gains=np.empty(0),
            reference=np.asarray(reference.gains, dtype=np.float64)[-_REFERENCE_KEPT:],
        )

    def update(self, state: ComparisonState, look: PairedLook) -> tuple[ComparisonState, list[Finding]]:
        """Judge one more look; one that is not after the last changes nothing and finds nothing."""
        if look.period <= state.last:
            return state, []
        moved = _grown(state, look)
        now = self.judge(moved)
        if not moved.decided and now.decision in FINAL:
            moved = replace(moved, decided=now.decision, decided_at=look.period)
        return moved, [self.finding(moved, now)]

    def judge(self, state: ComparisonState) -> Verdict:
        """What the looks so far prove; the decision that fell, with the figures of now, where one fell."""
        now = verdict(state.gains, self.rule, reference=state.reference)
        return replace(now, decision=decided_word(state.decided)) if state.decided else now

    def finding(self, state: ComparisonState, now: Verdict) -> Finding:
        """The newest look in words."""
        harm = now.decision == "lose" and self.harm_is_critical
        unknown = now.decision == "hold"
        proven = self.rule.spending == "mixture" and not unknown
        money = state.saved / state.saved_looks if state.saved_looks else None
        return Finding(
            check="champion",
            subject=f"{state.model}@{state.challenger} against {state.model}@{state.champion}",
            at=state.frequency.start_of(max(state.last, state.first)),
            value=None if unknown or math.isnan(now.gain) else now.gain,
            benchmark=0.0,
            effect=None if math.isnan(now.gain) else now.gain,
            unit="relative gain",
            log_evidence=now.evidence if proven else None,
            threshold=now.threshold if proven else None,
            n=now.looks,
            since=state.frequency.start_of(state.first),
            breached=harm,
            severity="critical" if harm else "warning" if unknown or _turned(now) else "info",
            money_at_risk=None if money is None or not harm else max(-money, 0.0),
            why=_why(state, now, self.rule, money=money),
        )

    def acknowledge(self, state: ComparisonState) -> ComparisonState:
        """Begin anew after the last look; what was seen becomes the reference."""
        known = np.concatenate([state.reference, [np.nan], state.gains])[-_REFERENCE_KEPT:]
        return ComparisonState(
            model=state.model,
            frequency=state.frequency,
            champion=state.champion,
            challenger=state.challenger,
            first=state.last + 1,
            last=state.last,
            gains=np.empty(0),
            reference=known,
        )


def _grown(state: ComparisonState, look: PairedLook) -> ComparisonState:
    skipped = min(look.period - state.last - 1, MOST_LOOKS)
    gains = np.concatenate([state.gains, np.full(skipped, np.nan), [look.gain]])[:MOST_LOOKS]
    priced = look.known and look.saved is not None
    return replace(
        state,
        gains=gains,
        last=look.period,
        rows=state.rows + (look.rows if look.known else 0),
        saved=state.saved + (look.saved or 0.0 if priced else 0.0),
        saved_looks=state.saved_looks + int(priced),
        left_out=look.left_out,
    )


def decided_word(decided: str) -> Decision:
    """A decision that was kept as text; anything else is none."""
    words: dict[str, Decision] = {"win": "win", "lose": "lose", "equal": "equal"}
    return words.get(decided, "undecided")


def _why(state: ComparisonState, now: Verdict, rule: Rule, *, money: float | None) -> str:
    challenger, champion = f"{state.model}@{state.challenger}", f"{state.model}@{state.champion}"
    looks = f"{now.looks} look{'' if now.looks == 1 else 's'} with data"
    if now.decision == "hold":
        return f"{_missing(state, now, rule)} Nothing is decided about {challenger} against {champion} ({looks})."
    lean = "smaller" if now.gain >= 0 else "larger"
    reach = f"between {_bound(now.low)} and {_bound(now.high)}"
    figures = f"errors are {abs(of_champion(now.gain)):.1%} {lean}, the gain {reach}, over {looks}"
    worth = "" if money is None else f"; at list price that is {money:+,.2f} a look"
    told = {
        "win": f"{challenger} is better than {champion}: {figures}{worth}.",
        "lose": f"{challenger} is worse than {champion}: {figures}{worth}. Keep {champion}.",
        "equal": f"{challenger} and {champion} are equal within {rule.margin or 0:.1%}: {figures}.",
        "undecided": f"{challenger} and {champion} cannot be told apart yet: {figures}.",
    }[now.decision]
    if state.left_out:
        told += f" The newest look leaves out {_rows(state.left_out)} without an outcome or without one of the answers."
    if _turned(now):
        told += " Since it was decided the difference has turned round: compare anew."
    over = now.ended and now.decision == "undecided"
    return f"{told} Its {rule.last:,} looks are over: keep {champion}, or compare anew." if over else told


def _turned(now: Verdict) -> bool:
    """Whether all looks so far lean to the other side than the decision that fell."""
    return (now.decision == "win" and now.gain < 0) or (now.decision == "lose" and now.gain > 0)


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _missing(state: ComparisonState, now: Verdict, rule: Rule) -> str:
    if now.missing:
        return now.missing
    if len(state.gains) and not np.isfinite(state.gains[-1]):
        lack = "lacks" if state.left_out == 1 else "lack"
        partly = f" ({_rows(state.left_out)} {lack} an outcome or one of the answers)" if state.left_out else ""
        return f"The newest look has no row with both answers and an outcome{partly}: see that sales arrive."
    return f"Only {now.looks} of the {rule.start} looks are there that a first decision needs."


def _bound(value: float) -> str:
    share = of_champion(value)
    return f"{share:+.1%}" if math.isfinite(share) and math.isfinite(value) else "anything"
