"""Settings: defaults that need no file, and relations between them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from finalmile.config import Config, ModelSettings, parse_config, template, written
from finalmile.config.meanings import meanings


def _sections() -> list[type[BaseModel]]:
    values = [getattr(Config(), name) for name in Config.model_fields]
    return [Config, ModelSettings, *(type(value) for value in values if isinstance(value, BaseModel))]


@pytest.mark.parametrize("section", _sections(), ids=lambda section: section.__name__)
def test_every_setting_says_what_it_means(section: type[BaseModel]) -> None:
    told = meanings(section)
    undescribed = [
        name
        for name, field in section.model_fields.items()
        if not told.get(name) and not isinstance(field.default, BaseModel)
    ]
    assert undescribed == []
    assert section.__doc__


def test_settings_cannot_be_changed_after_loading() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Config().currency = "USD"  # type: ignore[misc]  # that is the point


def test_the_default_service_level_belongs_to_policies_that_have_one() -> None:
    assert parse_config("plan: {policy: order_up_to}").plan.settings == {"cycle_service": 0.98}
    assert parse_config("plan: {policy: something_else}").plan.settings == {}
    assert parse_config("plan: {settings: {cycle_service: 0.9}}").plan.settings == {"cycle_service": 0.9}


def test_the_template_uncommented_means_the_defaults() -> None:
    uncommented = "\n".join(line.removeprefix("# ") for line in template().splitlines()[1:])
    assert parse_config(uncommented) == Config()


def test_the_template_as_written_means_the_defaults() -> None:
    assert parse_config(template()) == Config()


def test_the_template_shows_every_setting() -> None:
    text = template()
    assert [name for section in _sections() for name in section.model_fields if f"{name}:" not in text] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (3650.0, "3650"), ((), "[]"), ({}, "{}"), ({"a": (1, 2.5)}, "{a: [1, 2.5]}")],
)
def test_values_are_written_as_yaml_reads_them(value: object, text: str) -> None:
    assert written(value) == text
