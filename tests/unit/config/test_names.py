"""Names in settings are checked against what is registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from finalmile.config import Config, check_names, parse_config
from finalmile.config.names import mentions
from finalmile.errors import ConfigError
from finalmile.plugins import Registry
from finalmile.project.core import REGISTRIES


@pytest.fixture
def registries() -> Mapping[str, Registry[object]]:
    kinds: dict[str, Registry[object]] = {kind: Registry(kind) for kind in ("forecaster", "policy", "action")}
    names = {
        "forecaster": ("lightgbm", "window_average", "seasonal_naive"),
        "policy": ("order_up_to", "normal_order_up_to"),
        "action": ("recalibrate", "rollback", "fallback", "retrain"),
    }

    @dataclass(frozen=True)
    class Anything:
        cycle_service: float = 0.98

        def __post_init__(self) -> None:
            if not 0 < self.cycle_service < 1:
                raise ValueError(f"cycle_service is {self.cycle_service}; it lies between 0 and 1")

    for kind, known in names.items():
        for name in known:
            kinds[kind].add(name)(Anything)
    return kinds


@pytest.mark.parametrize("mention", list(mentions(Config())), ids=lambda mention: f"{mention.kind} {mention.name}")
def test_a_default_names_what_is_registered(mention) -> None:
    assert mention.name in set(REGISTRIES[mention.kind])


def test_an_unknown_name_is_a_fault_of_its_line(registries: Mapping[str, Registry[object]]) -> None:
    config = parse_config("plan:\n  policy: order_upto\nrespond:\n  automatic:\n  - rollback\n  - rolback\n")
    with pytest.raises(ConfigError) as caught:
        check_names(config, registries)
    fault_of_policy, fault_of_action = str(caught.value).splitlines()
    assert fault_of_policy.startswith("finalmile.yaml:2: no policy is called 'order_upto'. Did you mean 'order_up_to'?")
    assert fault_of_action.startswith("finalmile.yaml:6: no action is called 'rolback'. Did you mean 'rollback'?")


def test_a_setting_the_plugin_refuses_is_a_fault_of_its_line(registries: Mapping[str, Registry[object]]) -> None:
    config = parse_config("plan:\n  settings:\n    cycle_service: 98\n")
    with pytest.raises(ConfigError, match=r"finalmile.yaml:2: cycle_service is 98; it lies between 0 and 1"):
        check_names(config, registries)


def test_an_unknown_setting_of_a_plugin_is_a_fault_of_its_own_line(registries: Mapping[str, Registry[object]]) -> None:
    config = parse_config("models:\n  demand:\n    settings:\n      cycle_servise: 0.9\n")
    with pytest.raises(ConfigError, match=r"finalmile.yaml:4: no setting of forecaster 'lightgbm' .*'cycle_service'"):
        check_names(config, registries)


def test_kinds_without_a_registry_are_not_checked() -> None:
    check_names(parse_config("plan: {policy: anything}"), {})
