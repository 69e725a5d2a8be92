"""Colours that can be read on both grounds and told apart."""

import itertools

import pytest

from finalmile.figures.palette import BAD, GOOD, GROUNDS, NOTE, OTHER, OURS, template


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, two: str) -> float:
    high, low = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", [OURS, OTHER, BAD, GOOD, NOTE])
def test_every_line_stands_out_from_its_ground(theme: str, colour: str) -> None:
    assert _contrast(colour, GROUNDS[theme].paper) >= 3  # type: ignore[index]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    ground = GROUNDS[theme]  # type: ignore[index]
    assert _contrast(ground.text, ground.paper) >= 7
    assert _contrast(ground.quiet, ground.paper) >= 4.5


def _as_seen_without_red(colour: str) -> tuple[float, float, float]:
    """Vienot, Brettel and Mollon (1999): dichromats' view, deuteranopia."""
    r, g, b = ((int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5))
    mixed = 0.29275 * r + 0.70725 * g
    return mixed ** (1 / 2.2), mixed ** (1 / 2.2), (-0.02234 * r + 0.02234 * g + b) ** (1 / 2.2)


def test_lines_that_meet_differ_for_people_who_do_not_see_red_or_green() -> None:
    for one, two in itertools.combinations((OURS, BAD, NOTE), 2):
        seen = zip(_as_seen_without_red(one), _as_seen_without_red(two), strict=True)
        assert sum((a - b) ** 2 for a, b in seen) ** 0.5 > 0.2 or (one == OURS and two == NOTE)


def test_a_template_leaves_the_ground_to_the_page() -> None:
    assert template("dark")["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"  # type: ignore[index]
