"""Compare two versions on what came true, from look to look, and remember what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import orjson

from finalmile.alerting.incidents import IncidentSettings, fold
from finalmile.errors import ConfigError, FinalMileError, MissingInputError
from finalmile.frames import BoolArray
from finalmile.monitoring import versions
from finalmile.monitoring.checks.champion import ChampionCheck, decided_word
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.versions import FINAL, ArmsEstimate, PairedLook, Rule, Verdict, arms_verdict, compare_arms
from finalmile.monitoring.versions.state import ComparisonReference, ComparisonState
from finalmile.ports import Lake
from finalmile.records import Finding, Version
from finalmile.workflows.paired_losses import arm_losses, batch_looks, reference_gains, shadow_looks
from finalmile.workflows.shop import Shop, known_cutoff, live_version
from finalmile.workflows.version_comparisons import Compared, Comparisons, Given, Source, Terms, compared_from

MOST_LOOKS = 90
"""Looks that a comparison without a horizon reaches back at most when it begins."""
_LATE = 7
_PRECISION = 0.01


def compare(
    shop: Shop,
    model: str,
    *,
    champion: int | None = None,
    challenger: int | None = None,
    given: Given | None = None,
    lake: Lake | None = None,
    cutoff: int | None = None,
    anew: bool = False,
) -> Compared:
    """Take in every look up to the cutoff that was not judged yet, and say what is decided.

    The first call begins the comparison and fixes its terms; later ones go on. A decision stays.

    Parameters
    ----------
    champion
        Version to beat; the live one by default.
    challenger
        By default the canary, arm or shadow of the route, else the newest version that is not the champion.
    given
        Terms; what is left out is as it began, or the default with the source that fits the route.
    lake
        Where the prediction log is; needed for ``"shadow"`` and ``"arms"``.
    anew
        Forget what was seen and begin again after the newest sales.

    Raises
    ------
    ConfigError
        Other terms than it began with: choosing them after having looked would make the error rate untrue.
    MissingInputError
        No live version, or nothing to compare it with.
    """
    cutoff = known_cutoff(shop, cutoff)
    pair = _pair(shop, model, champion, challenger)
    begun = None if anew else _load_terms(shop, pair)
    terms = (given or Given()).over(begun or Terms(source=_source(shop, pair[1])))
    if begun is not None and terms != begun:
        raise ConfigError(f"compare {pair[1]} with {pair[0]}", [f"{_told_terms(begun)}; begin again with --anew"])
    if terms.source != "batch" and lake is None:
        raise MissingInputError(f"{terms.source} needs the log of predictions, and this project serves nothing")
    if begun is None:
        _begin(shop, pair, terms, first=cutoff + 1 if anew else _first(shop, pair, terms, cutoff))
    if terms.source == "arms" and lake is not None:
        return _compare_arms(shop, lake, pair, terms, cutoff)
    return _compare_paired(shop, lake, pair, terms, cutoff)


def standing(shop: Shop, model: str) -> Comparisons:
    """What every comparison of a model said last; takes in nothing new."""
    rows = [_last_told(shop, model, *pair) for pair in _pairs(shop, model)]
    return Comparisons(model=model, rows=tuple(row for row in rows if row is not None))


def watch(shop: Shop, model: str, cutoff: int, *, lake: Lake | None = None) -> list[Finding]:
    """Findings of every comparison with the live version that is under way, after its new looks were taken in.

    For the daily look, which folds them into incidents. One that is decided, or whose champion is not live any more,
    is left alone, and so is one that needs the log where no ``lake`` is given.
    """
    deployed = shop.ledger.deployment(model)
    found: list[Finding] = []
    for champion, challenger in _pairs(shop, model):
        if deployed is None or deployed.live != champion:
            continue
        before = _last_told(shop, model, champion, challenger)
        if before is not None and before.decision in FINAL and not before.breached:
            continue
        if before is not None and before.terms.source != "batch" and lake is None:
            continue
        found.append(_looked(shop, model, (champion, challenger), cutoff, lake))
    return found


def _looked(shop: Shop, model: str, pair: tuple[int, int], cutoff: int, lake: Lake | None) -> Finding:
    """The finding of one comparison; that it could not be made is one as well."""
    champion, challenger = pair
    try:
        return compare(shop, model, champion=champion, challenger=challenger, lake=lake, cutoff=cutoff).finding
    except FinalMileError as error:
        return Finding(
            check="champion",
            subject=f"{model}@{challenger} against {model}@{champion}",
            at=shop.day(cutoff),
            value=None,
            benchmark=0.0,
            unit="relative gain",
            severity="warning",
            why=f"{model}@{challenger} could not be compared with {model}@{champion}: {error}",
        )


def fold_in(shop: Shop, compared: Compared) -> None:
    """Open, change or close the incident of a comparison, for a look that was asked for by hand."""
    at = compared.finding.at
    rules = IncidentSettings(clean_looks=shop.config.monitor.clean_looks)
    known = shop.ledger.incidents(model=compared.model)
    for incident, alert in fold([compared.finding], known, model=compared.model, at=at, settings=rules):
        shop.ledger.put_incident(incident, alert=alert, actor=shop.actor)


def evidence(shop: Shop, model: str, challenger: int) -> Compared | None:
    """What is known of a version against the live one; ``None`` where nobody compared them."""
    deployed = shop.ledger.deployment(model)
    if deployed is None or (deployed.live, challenger) not in _pairs(shop, model):
        return None
    return _last_told(shop, model, deployed.live, challenger)


def _compare_paired(
    shop: Shop, lake: Lake | None, pair: tuple[Version, Version], terms: Terms, cutoff: int
) -> Compared:
    check = _check(shop, pair, terms)
    blob = shop.ledger.load_state(_key("state", *pair))
    if blob is None:
        raise MissingInputError(f"the comparison of {pair[1]} with {pair[0]} was not begun; run it again")
    state = ComparisonState.from_bytes(blob)
    looks = _looks(shop, lake, pair, terms, first=state.last + 1, last=cutoff)
    settled = _settled(looks)
    for look in looks[:settled]:
        state, _ = check.update(state, look)
    shop.ledger.save_state(_key("state", *pair), state.to_bytes())
    shown = state
    for look in looks[settled:]:
        shown, _ = check.update(shown, look)
    now = check.judge(shown)
    told = Compared(
        model=pair[0].model,
        champion=pair[0].number,
        challenger=pair[1].number,
        terms=terms,
        verdict=now,
        finding=check.finding(shown, now),
        since=shop.day(state.first),
        decided_at=None if state.decided_at < 0 else shop.day(state.decided_at),
        gains=tuple(None if np.isnan(one) else float(one) for one in shown.gains),
        breached=now.decision == "lose" and check.harm_is_critical,
    )
    return _kept(shop, pair, told)


def _settled(looks: Sequence[PairedLook]) -> int:
    """How many looks may be taken in for good: the newest that lack data may still get some for a while."""
    known = [at for at, look in enumerate(looks) if look.known]
    return max(known[-1] + 1 if known else 0, len(looks) - _LATE)


def _looks(
    shop: Shop, lake: Lake | None, pair: tuple[Version, Version], terms: Terms, *, first: int, last: int
) -> list[PairedLook]:
    if terms.source == "shadow" and lake is not None:
        return shadow_looks(shop, lake, *pair, first=first, last=last)
    return batch_looks(shop, *pair, first=first, last=last)


def _compare_arms(shop: Shop, lake: Lake, pair: tuple[Version, Version], terms: Terms, cutoff: int) -> Compared:
    kept = orjson.loads(shop.ledger.load_state(_key("arms", *pair)) or b"{}")
    first = int(kept["first"])
    losses, before, whose = arm_losses(shop, lake, *pair, first=first, last=cutoff)
    rule = _rule(shop, terms)
    now, decided_at = _followed_arms(losses, before, whose, rule)
    state = ComparisonState.from_bytes(shop.ledger.load_state(_key("state", *pair)) or b"")
    if state.decided:
        now, decided_at = replace(now, decision=decided_word(state.decided)), state.decided_at - first
    elif now.decision in FINAL:
        state = replace(state, decided=now.decision, decided_at=first + (decided_at or 0))
    state = replace(state, last=max(cutoff, state.last), rows=int(np.isfinite(losses).sum()))
    shop.ledger.save_state(_key("state", *pair), state.to_bytes())
    check = _check(shop, pair, terms)
    told = Compared(
        model=pair[0].model,
        champion=pair[0].number,
        challenger=pair[1].number,
        terms=terms,
        verdict=now,
        finding=check.finding(state, now),
        since=shop.day(first),
        decided_at=None if decided_at is None else shop.day(first + decided_at),
        breached=now.decision == "lose",
    )
    return _kept(shop, pair, told)


def _followed_arms(losses: Doubles, before: Doubles, whose: BoolArray, rule: Rule) -> tuple[Verdict, int | None]:
    """The verdict of now, or the first final one, and its look."""
    path: list[ArmsEstimate] = []
    looks: list[int] = []
    now = arms_verdict([], rule, looks=[], precision=_PRECISION)
    for look in range(losses.shape[1]):
        if not np.isfinite(losses[:, look]).any():
            continue
        path.append(compare_arms(losses[:, : look + 1], before, challenger=whose))
        looks.append(look + 1)
        now = arms_verdict(path, rule, looks=looks, precision=_PRECISION)
        if now.decision in FINAL:
            return now, look
    return now, None


def _begin(shop: Shop, pair: tuple[Version, Version], terms: Terms, *, first: int) -> None:
    """Fix the terms, and what was known of the pair before."""
    champion, challenger = pair
    reference = ComparisonReference(
        model=champion.model,
        frequency=shop.frequency,
        champion=champion.number,
        challenger=challenger.number,
        first=first,
        gains=reference_gains(shop, champion, challenger) if terms.source != "arms" else np.empty(0),
    )
    state = _check(shop, pair, terms).start(reference)
    shop.ledger.save_state(_key("state", *pair), state.to_bytes())
    shop.ledger.save_state(_key("arms", *pair), orjson.dumps({"first": first}))
    shop.ledger.save_state(_key("terms", *pair), orjson.dumps(asdict(terms)))
    pairs = [*(one for one in _pairs(shop, champion.model) if one != _numbers(pair)), _numbers(pair)]
    shop.ledger.save_state(f"comparisons/{champion.model}", orjson.dumps(pairs))


def _first(shop: Shop, pair: tuple[Version, Version], terms: Terms, cutoff: int) -> int:
    """First period that neither has learned from; of what is past at most so much as the horizon, or 90 looks."""
    unseen = max(shop.frequency.index_of(one.cutoff) for one in pair) + 1
    most = MOST_LOOKS if terms.horizon_days is None else shop.periods(terms.horizon_days)
    return max(unseen, cutoff - most + 1)


def _pair(shop: Shop, model: str, champion: int | None, challenger: int | None) -> tuple[Version, Version]:
    first = live_version(shop, model) if champion is None else shop.ledger.version(model, champion)
    if challenger is None:
        rule = shop.ledger.route(model)
        routed = [one.number for one in rule.beside] + ([] if rule.shadow is None else [rule.shadow])
        newest = [one.number for one in reversed(shop.ledger.versions(model)) if one.number != first.number]
        challenger = next((one for one in (*routed, *newest) if one != first.number), None)
    if challenger is None:
        mend = f"finalmile train {model}"
        raise MissingInputError(f"{first} is the only version of {model!r}; train another to compare: {mend}")
    if challenger == first.number:
        raise MissingInputError(f"{first} cannot be compared with itself; name another with --challenger NUMBER")
    return first, shop.ledger.version(model, challenger)


def _source(shop: Shop, challenger: Version) -> Source:
    rule = shop.ledger.route(challenger.model)
    if challenger.number == rule.shadow:
        return "shadow"
    return "arms" if challenger.number in [one.number for one in rule.beside] else "batch"


def _check(shop: Shop, pair: tuple[Version, Version], terms: Terms) -> ChampionCheck:
    answers = pair[1].number in [one.number for one in shop.ledger.route(pair[0].model).beside]
    return ChampionCheck(rule=_rule(shop, terms), harm_is_critical=answers)


def _rule(shop: Shop, terms: Terms) -> Rule:
    horizon = None if terms.horizon_days is None else max(shop.periods(terms.horizon_days), Rule().start)
    if horizon is not None and horizon > versions.MOST_LOOKS:
        told = f"a horizon of {terms.horizon_days:g} days is {horizon:,} looks; it may have {versions.MOST_LOOKS:,}"
        raise ConfigError("compare", [f"{told} at most, or none at all with --anytime"])
    return Rule(alpha=terms.alpha, horizon=horizon, margin=terms.margin)


def _kept(shop: Shop, pair: tuple[Version, Version], told: Compared) -> Compared:
    shop.ledger.save_state(_key("told", *pair), orjson.dumps(told.to_dict()))
    return told


def _last_told(shop: Shop, model: str, champion: int, challenger: int) -> Compared | None:
    blob = shop.ledger.load_state(f"comparison told/{model}/{challenger}/{champion}")
    return None if blob is None else compared_from(orjson.loads(blob))


def _load_terms(shop: Shop, pair: tuple[Version, Version]) -> Terms | None:
    blob = shop.ledger.load_state(_key("terms", *pair))
    return None if blob is None else Terms(**orjson.loads(blob))


def _told_terms(terms: Terms) -> str:
    until = "without an end" if terms.horizon_days is None else f"for {terms.horizon_days:g} days"
    return (
        f"it began {until}, with margin {terms.margin}, alpha {terms.alpha:g} and {terms.source} rows; other terms "
        "would have to be chosen before looking"
    )


def _pairs(shop: Shop, model: str) -> list[tuple[int, int]]:
    blob = shop.ledger.load_state(f"comparisons/{model}")
    return [] if blob is None else [(int(one), int(other)) for one, other in orjson.loads(blob)]


def _numbers(pair: tuple[Version, Version]) -> tuple[int, int]:
    return pair[0].number, pair[1].number


def _key(what: str, champion: Version, challenger: Version) -> str:
    return f"comparison {what}/{champion.model}/{challenger.number}/{champion.number}"
