"""How the requests of each model are answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from finalmile.adapters.local import audit, versions
from finalmile.adapters.local.codec import dumps, loads
from finalmile.adapters.local.tables import routes
from finalmile.records import Beside, RouteRule


def get(connection: Connection, model: str) -> RouteRule:
    """The rule of a model, the defaults where nobody gave one."""
    body = connection.execute(select(routes.c.body).where(routes.c.model == model)).scalar()
    if body is None:
        return RouteRule(model=model)
    told = loads(body)
    told["beside"] = tuple(Beside(**one) for one in told["beside"])
    return RouteRule(**told)


def put(connection: Connection, rule: RouteRule, *, at: datetime, actor: str, why: str) -> RouteRule:
    """Replace the rule of a model; ``UnknownNameError`` for a version that is not there."""
    for number in (*(one.number for one in rule.beside), *(() if rule.shadow is None else (rule.shadow,))):
        versions.get(connection, rule.model, number)
    before = get(connection, rule.model)
    if before == rule:
        return rule
    mine = routes.c.model == rule.model
    if connection.execute(update(routes).where(mine).values(body=dumps(rule))).rowcount == 0:
        connection.execute(insert(routes).values(model=rule.model, body=dumps(rule)))
    body = {"from": before, "to": rule, "why": why}
    audit.append(connection, at=at, actor=actor, verb="route", subject=rule.model, body=body)
    return rule
