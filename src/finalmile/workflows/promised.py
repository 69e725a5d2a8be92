"""The service that plans promise."""

from __future__ import annotations

from collections.abc import Mapping

from finalmile.config import Config
from finalmile.inventory.policies import policies


def promised(config: Config) -> Mapping[str, float]:
    """The service that plans promise, cycle service or fill rate by name; none where money or a rule decides."""
    policy = policies.make(config.plan.policy, **dict(config.plan.settings))
    goal = getattr(policy, "goal", None)
    for name in ("cycle_service", "fill_rate"):
        service = getattr(policy, "service" if goal == name else name, None)
        if service is not None and goal in (None, name):
            return {name: float(service)}
    return {}
