"""Reading finalmile.yaml: all faults, each with its line."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.config import Config, load_config, parse_config
from finalmile.errors import ConfigError


def _faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    return str(caught.value).splitlines()


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n", "monitor:\n", "models:\n  demand:\n"])
def test_an_empty_file_or_section_means_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "finalmile.yaml").write_text(text)
    assert load_config(tmp_path) == Config()


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    faults = _faults("currency: euro\nmonitor:\n  alr: 3650\n  fdr: 2\nmodels:\n  demand:\n    horizon_days: 0\n")
    assert [fault.split(": ")[0] for fault in faults] == [f"finalmile.yaml:{line}" for line in (1, 3, 4, 7)]


def test_an_unknown_setting_suggests_the_one_meant() -> None:
    (fault,) = _faults("models:\n  demand:\n    forcaster: lightgbm\n")
    assert fault.startswith("finalmile.yaml:3: no setting of models.demand is called 'forcaster'. Did you mean 'fore")


def test_a_fault_names_the_value_and_the_default() -> None:
    (fault,) = _faults("respond: {max_per_week: -1}")
    assert fault == (
        "finalmile.yaml:1: respond.max_per_week is -1: input should be greater than 0. Leave it out for the default, 2."
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plan: {policy: {order_up_to: {cycle_service: 0.9}}}", "plan.policy: write a name; what it is set to stands"),
        ("plan:\n  rules:\n  - budget: 5000", "plan.rules.0.settings is 5000: write 'name: value' lines"),
        ("plan: {rules: budget}", "plan.rules is 'budget': write a list, such as [a, b]."),
        ("assume: {lead_time_days: soon}", "is 'soon': write a number of days, or a range such as [3, 14]."),
    ],
)
def test_one_slip_is_one_fault_in_words_of_the_file(text: str, told: str) -> None:
    (fault,) = _faults(text)
    assert told in fault


def test_a_setting_given_twice_is_a_fault_of_its_second_line() -> None:
    assert _faults("currency: EUR\ncurrency: USD\n") == ["finalmile.yaml:2: currency is given twice; keep one"]


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1", 1), ("country: DE\n\tcurrency: EUR\n", 2), ("- a list\n", 1), ("? [a, b]\n: 1", 1)]
)
def test_what_is_not_settings_at_all_is_one_fault_with_its_line(text: str, line: int) -> None:
    (fault,) = _faults(text)
    assert fault.startswith(f"finalmile.yaml:{line}: ")


def test_a_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "finalmile.yaml").write_bytes(b"country: \xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path)


def test_norway_is_a_country() -> None:
    assert parse_config("country: NO").country == "NO"


def test_yes_is_still_a_yes() -> None:
    assert parse_config("respond: {dry_run: yes}").respond.dry_run


def test_no_automatic_action_is_written_none() -> None:
    assert parse_config("respond: {automatic: none}").respond.automatic == ()


def test_one_lead_time_is_a_range_of_one() -> None:
    assert parse_config("assume: {lead_time_days: 7}").assume.lead_time_days == (7, 7)
    assert parse_config("assume: {lead_time_days: [3, 14]}").assume.lead_time_days == (3, 14)


def test_a_receiver_is_a_name_or_a_name_with_settings() -> None:
    log, file = parse_config("receivers: [log, {file: {path: alerts.txt}}]").receivers
    assert (log.name, log.settings) == ("log", {})
    assert (file.name, file.settings) == ("file", {"path": "alerts.txt"})


def test_the_error_survives_pickling_with_its_lines() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("\ncurrency: euro")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.lines) == (str(caught.value), (2,))


@given(st.text(max_size=200))
def test_any_text_is_settings_or_a_config_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse_config(text), Config)
