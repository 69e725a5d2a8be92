"""Check the names that settings mention against what is registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from finalmile.config.settings import Config, Settings
from finalmile.errors import ConfigError, FinalMileError, UnknownNameError
from finalmile.plugins import Registry

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Mention:
    """A plugin that the settings name, and where they name it and its settings."""

    kind: str
    name: str
    at: Path
    settings: Settings = field(default_factory=dict[str, object])
    settings_at: Path = ()

    def fault(self, registry: Registry[Any]) -> tuple[Path, str] | None:
        """Where and why it cannot be built; ``None`` if it can."""
        try:
            registry[self.name]
        except UnknownNameError as error:
            return self.at, str(error)
        try:
            if self.settings:
                registry.make(self.name, **self.settings)
        except UnknownNameError as error:
            return (*self.settings_at, error.name), str(error)
        except (FinalMileError, ValueError, TypeError) as error:
            return self.settings_at, str(error)
        return None


def check_names(config: Config, registries: Mapping[str, Registry[Any]], /) -> None:
    """Raise where a setting names something that is not registered, or gives it settings it refuses.

    Parameters
    ----------
    config
        Settings as read.
    registries
        ``"forecaster"``, ``"policy"``, ``"rule"``, ``"action"``, ``"notifier"``, ``"check"``, ``"export"``,
        ``"delivery"`` and ``"streaming detector"`` to the registry of each; names of kinds that are left out are not
        checked, nor are defaults, for which every plugin would have to be imported.

    Raises
    ------
    ConfigError
        Names every fault with its line.
    """
    ours = {(mention.kind, mention.name) for mention in mentions(Config())}
    known = [
        (mention, registries[mention.kind])
        for mention in mentions(config)
        if mention.kind in registries and (mention.settings or (mention.kind, mention.name) not in ours)
    ]
    faults = [fault for mention, registry in known if (fault := mention.fault(registry)) is not None]
    if faults:
        raise ConfigError(config.source, [said for _, said in faults], [config.line_of(path) for path, _ in faults])


def mentions(config: Config) -> Iterator[_Mention]:
    """Every plugin that the settings name, defaults too, and where."""
    for name, model in config.models.items():
        here = ("models", name)
        yield _Mention("forecaster", model.forecaster, (*here, "forecaster"), model.settings, (*here, "settings"))
        yield _Mention("forecaster", model.fallback, (*here, "fallback"))
    yield _Mention("forecaster", config.certify.baseline, ("certify", "baseline"))
    plan = config.plan
    yield _Mention("policy", plan.policy, ("plan", "policy"), plan.settings, ("plan", "settings"))
    yield _Mention("policy", plan.baseline, ("plan", "baseline"), plan.baseline_settings, ("plan", "baseline_settings"))
    for i, rule in enumerate(plan.rules):
        yield _Mention("rule", rule.name, ("plan", "rules", str(i)), rule.settings, ("plan", "rules", str(i)))
    for i, action in enumerate(config.respond.automatic):
        yield _Mention("action", action, ("respond", "automatic", str(i)))
    for i, check in enumerate(config.monitor.skip):
        yield _Mention("check", check, ("monitor", "skip", str(i)))
    for i, detector in enumerate(config.monitor.fast_lane):
        yield _Mention("streaming detector", detector, ("monitor", "fast_lane", str(i)))
    for name, settings in config.exports.items():
        yield _Mention("export", name, ("exports", name), settings, ("exports", name))
    for name, sending in config.sending.items():
        here = ("sending", name)
        yield _Mention("delivery", sending.by, (*here, "by"), sending.settings, (*here, "settings"))
        yield _Mention("export", sending.format, (*here, "format"))
    for i, receiver in enumerate(config.receivers):
        yield _Mention("notifier", receiver.name, ("receivers", str(i)), receiver.settings, ("receivers", str(i)))
