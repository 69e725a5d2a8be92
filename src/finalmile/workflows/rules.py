"""The rules of the settings, applied to what a policy wants: the same for a plan and a replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.config import Config
from finalmile.errors import MissingInputError
from finalmile.frames import Forecast
from finalmile.inventory import Position, Proposal
from finalmile.inventory.price_breaks import PriceBreaks, price_breaks
from finalmile.inventory.protection import DemandLaw, law_of
from finalmile.inventory.rule import Case, Rule
from finalmile.inventory.rules import rules
from finalmile.records import OrderState
from finalmile.simulation import UnitsArray
from finalmile.workflows.attributes import Attributes
from finalmile.workflows.receipts import day_of
from finalmile.workflows.shop import Shop

DECIDED: tuple[OrderState, ...] = ("approved", "sent", "acknowledged", "late", "received")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What one rule changed in a plan.

    Parameters
    ----------
    more, less, nothing
        Items of which more, less (but something) and nothing was ordered because of it.
    units
        Units that it added, below 0 where it took some.
    forgone
        Margin that it is expected to cost before the next orders can come, in money.
    """

    rule: str
    more: int
    less: int
    nothing: int
    units: float
    forgone: float

    def sentence(self, currency: str) -> str:
        """The rule's effect for people."""
        told = ((self.more, "gets", "more"), (self.less, "gets", "less"), (self.nothing, "waits", "for another time"))
        parts = [
            f"1 item {does} {what}" if n == 1 else f"{n:,} items {does[:-1]} {what}" for n, does, what in told if n
        ]
        lost = "lost" if self.forgone >= 0 else "won"
        return (
            f"{self.rule}: {', '.join(parts)}; {self.units:+,.0f} units, "
            f"{abs(self.forgone):,.2f} {currency} of margin expected to be {lost} by it until the next order."
        )


def ruled(shop: Shop, wanted: Proposal, at: Position, *, told: Forecast, cutoff: int) -> Proposal:
    """What is left, or added, once every rule of the settings has been applied, in their order.

    A supplier's minimum holds in the end too: an order that later rules made smaller than it takes is not placed.

    Raises
    ------
    MissingInputError
        Where a rule needs what nobody has told.
    """
    named = _concerned(shop, at, cutoff)
    if not named or not (wanted.quantity > 0).any():
        return wanted
    case = case_of(shop, at, told=told, cutoff=cutoff)
    for name, rule in named:
        wanted = rule(wanted, _priced(case, wanted) if name == "supplier_minimum" else case)
    if any(name == "supplier_minimum" for name, _ in named[:-1]):
        wanted = rules.make("supplier_minimum", top_up_share=0.0)(wanted, _priced(case, wanted))
    return wanted if case.breaks is None else replace(wanted, unit_cost=_priced(case, wanted).at.unit_cost)


def _priced(case: Case, wanted: Proposal) -> Case:
    """The case at the prices of what is wanted, in which a supplier's minimum is paid.

    A budget counts the full prices, as what it cuts may fall below a break.
    """
    if case.breaks is None:
        return case
    price = case.breaks.price_of(wanted.quantity, base=case.at.unit_cost)
    return replace(case, at=replace(case.at, unit_cost=price))


def bounds(before: UnitsArray, wanted: Proposal) -> tuple[Bound, ...]:
    """What each rule changed, those that changed nothing left out.

    Parameters
    ----------
    before : array of shape (n,)
        Units before the first rule.
    """
    told: list[Bound] = []
    for at, step in enumerate(wanted.rules):
        change = step.values - before
        if change.any():
            forgone = wanted.details.get(_forgone(wanted, at), np.zeros(len(change)))
            told.append(
                Bound(
                    rule=step.rule,
                    more=int((change > 0).sum()),
                    less=int(((change < 0) & (step.values > 0)).sum()),
                    nothing=int(((change < 0) & (step.values == 0)).sum()),
                    units=float(change.sum()),
                    forgone=float(np.nansum(forgone[change != 0])) + 0.0,
                )
            )
        before = step.values
    return tuple(told)


def _forgone(wanted: Proposal, at: int) -> str:
    """Name of what a rule cost; where it was applied before, the name has a number."""
    rule = wanted.rules[at].rule
    before = sum(step.rule == rule for step in wanted.rules[:at])
    return f"{rule}_forgone_{before + 1}" if before else f"{rule}_forgone"


def _concerned(shop: Shop, at: Position, cutoff: int) -> Sequence[tuple[str, Rule]]:
    """The rules of the settings, without those that nothing here asks for."""
    config = shop.config
    kept = [rule for rule in config.plan.rules if _asked_for(rule.name, shop, at, cutoff)]
    return [(rule.name, rules.make(rule.name, **dict(rule.settings))) for rule in kept]


def _asked_for(name: str, shop: Shop, at: Position, cutoff: int) -> bool:
    if name == "supplier_minimum":
        return any(one.minimum_money or one.minimum_units for one in shop.config.suppliers.values())
    if name == "shelf_life":
        return bool(np.isfinite(_attributes(shop, at, cutoff).number("shelf_life_days")).any())
    if name == "price_breaks":
        return any(_attributes(shop, at, cutoff).text("price_breaks").tolist())
    return True


def _attributes(shop: Shop, at: Position, cutoff: int) -> Attributes:
    return Attributes(at.ids, shop.known.items(cutoff))


def case_of(shop: Shop, at: Position, *, told: Forecast, cutoff: int) -> Case:
    """What rules are told: demand until the next order can come and until units expire, terms of suppliers and stores.

    Demand until units expire is that of the protection interval, scaled by what is expected in each: the same shape,
    and no less spread out than it is.
    """
    if told.cumulative is None:
        raise MissingInputError(
            "plan.rules weigh demand over the time an order must last, which this forecast does not tell: forecast "
            "again with finalmile forecast, or leave the rules out with plan: {rules: []}"
        )
    given, decided = _attributes(shop, at, cutoff), _decided(shop, cutoff)
    law = law_of(at, told.cumulative)
    keeps = _or(given.number("shelf_life_days") / shop.frequency.days, np.inf)
    return Case(
        at=at,
        law=law,
        law_to_expiry=_to_expiry(law, at, keeps, mean=told.mean.astype(np.float64)),
        margin=_margin(shop.config, at),
        shelf_life=keeps,
        location=given.text("location_id"),
        unit_volume=given.number("unit_volume"),
        minimum_money=_of_suppliers(shop.config, at, "minimum_money"),
        minimum_units=_of_suppliers(shop.config, at, "minimum_units"),
        ordered_money=_summed(at, {name: money for name, (money, _) in decided.items()}),
        ordered_units=_summed(at, {name: units for name, (_, units) in decided.items()}),
        breaks=_breaks(given, at),
        spent=sum(money for money, _ in decided.values()),
        period_days=shop.frequency.days,
    )


def _breaks(given: Attributes, at: Position) -> PriceBreaks | None:
    texts = [str(text) for text in given.text("price_breaks")]
    return price_breaks(at.ids, texts) if any(texts) else None


def _decided(shop: Shop, cutoff: int) -> dict[str, tuple[float, float]]:
    """Money and units of the lines of this day that somebody approved, by supplier."""
    day = shop.day(cutoff + 1)
    told: dict[str, tuple[float, float]] = {}
    for line in shop.ledger.orders(states=DECIDED, since=day_of(day)):
        if line.ordered_at == day:
            money, units = told.get(line.supplier, (0.0, 0.0))
            told[line.supplier] = money + line.quantity * (line.unit_cost or 0.0), units + line.quantity
    return told


def _summed(at: Position, told: Mapping[str, float]) -> UnitsArray:
    return np.array([told.get(str(name), 0.0) for name in at.supplier], dtype=np.float64)


def _margin(config: Config, at: Position) -> UnitsArray:
    """Price less cost; where no price is known, the margin that the assumed share of cost in price leaves."""
    share = max(config.assume.unit_cost_share, 0.01)
    price = np.where(np.isnan(at.unit_price), at.unit_cost / share, at.unit_price)
    return np.nan_to_num(np.maximum(price - at.unit_cost, 0.0))


def _to_expiry(law: DemandLaw, at: Position, keeps: UnitsArray, *, mean: UnitsArray) -> DemandLaw:
    """Demand until an order that is placed now expires."""
    periods = np.where(np.isfinite(keeps), at.lead_periods + keeps, 1.0)
    expected = _expected(mean, periods)
    factor = np.where(law.mean > 0, expected / np.where(law.mean > 0, law.mean, 1.0), 1.0)
    return replace(law, knots=law.knots * factor[:, None, None], mean=law.mean * factor)


def _expected(mean: UnitsArray, periods: UnitsArray) -> UnitsArray:
    """Expected demand of each item's first periods, the part of one alike; beyond the horizon as over it on average."""
    horizon, rows = mean.shape[1], np.arange(len(mean))
    summed = np.concatenate([np.zeros((len(mean), 1)), np.cumsum(mean, axis=1)], axis=1)
    inside = np.minimum(np.floor(periods + 1e-9), horizon).astype(np.int64)
    whole, next_one = summed[rows, inside], summed[rows, np.minimum(inside + 1, horizon)]
    part = np.where(inside < horizon, np.maximum(periods - inside, 0.0), 0.0)
    beyond = np.maximum(periods - horizon, 0.0)
    return np.asarray(whole + part * (next_one - whole) + beyond * summed[:, -1] / max(horizon, 1))


def _of_suppliers(config: Config, at: Position, name: str) -> UnitsArray:
    return _summed(at, {supplier: float(getattr(terms, name)) for supplier, terms in config.suppliers.items()})


def _or(values: UnitsArray, default: float) -> UnitsArray:
    return np.where(np.isnan(values), default, values)
