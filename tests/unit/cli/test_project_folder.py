"""Which folder a project is in."""

from __future__ import annotations

from pathlib import Path

from finalmile.cli.folder import project_folder


def test_a_folder_given_wins_over_the_environment() -> None:
    assert project_folder(Path("here"), {"FINALMILE_PROJECT": "there"}) == Path("here")


def test_the_environment_wins_over_the_current_folder() -> None:
    assert project_folder(None, {"FINALMILE_PROJECT": "there"}) == Path("there")


def test_without_either_it_is_the_current_folder() -> None:
    assert project_folder(None, {"FINALMILE_PROJECT": ""}) == Path()
