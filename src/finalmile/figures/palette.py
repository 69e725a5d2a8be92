"""Colours that people with any colour vision tell apart, on light and on dark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]

OURS = "#2f7fc1"
OTHER = "#7f8a96"
BAD = "#d5602a"
GOOD = "#1c8f6c"
NOTE = "#9a6fc4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the colours stand on."""

    paper: str
    text: str
    quiet: str
    grid: str


GROUNDS: Mapping[Theme, Ground] = {
    "light": Ground(paper="#ffffff", text="#1b2127", quiet="#59636e", grid="#e4e8ec"),
    "dark": Ground(paper="#171c22", text="#e8ecf0", quiet="#9aa5b1", grid="#2b333c"),
}


def transparent(colour: str, alpha: float) -> str:
    """The same colour let through.

    Examples
    --------
    >>> transparent("#2f7fc1", 0.2)
    'rgba(47,127,193,0.2)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def template(theme: Theme) -> dict[str, object]:
    """Plotly template: quiet grid, no box, one font, room for labels at the right."""
    ground = GROUNDS[theme]
    axis: dict[str, object] = {
        "gridcolor": ground.grid,
        "linecolor": ground.grid,
        "zerolinecolor": ground.grid,
        "tickcolor": ground.grid,
        "tickfont": {"color": ground.quiet, "size": 12},
        "title": {"font": {"color": ground.quiet, "size": 12}, "standoff": 8},
        "automargin": True,
    }
    return {
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "color": ground.text},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": ground.paper,
                "bordercolor": ground.grid,
                "font": {"color": ground.text, "size": 12},
            },
            "colorway": [OURS, OTHER, BAD, GOOD, NOTE],
        }
    }
