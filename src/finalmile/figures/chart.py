"""A chart: what is drawn, its sentence, and the table under it."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from finalmile.figures.palette import BAD, GOOD, GROUNDS, NOTE, OTHER, OURS, Theme, template, transparent
from finalmile.figures.views import Event, EventKind, moment

Spec = dict[str, Any]

LABEL_CHARACTERS = 18

EVENT_SYMBOLS: Mapping[EventKind, str] = {"deployment": "▲", "alarm": "<b>!</b>", "action": "●", "note": "◆"}
EVENT_COLOURS: Mapping[EventKind, str] = {"deployment": OURS, "alarm": BAD, "action": GOOD, "note": NOTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One figure, ready for a notebook, a report or a page.

    Parameters
    ----------
    title
        A sentence that says what the figure shows, with its main number.
    data, layout
        Plotly's own JSON: traces and layout, without a theme.
    table
        The same numbers as rows.
    """

    title: str
    data: tuple[Spec, ...]
    layout: Spec
    table: pl.DataFrame

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.data

    def figure(self, *, theme: Theme = "light") -> Any:
        """A :class:`plotly.graph_objects.Figure` with its title, on a light or a dark ground."""
        from plotly import graph_objects  # heavy; a page needs only the JSON

        layout = {
            **self.layout,
            "template": template(theme),
            "paper_bgcolor": GROUNDS[theme].paper,
            "title": {"text": html.escape(self.title), "x": 0, "xref": "paper", "font": {"size": 16}},
            "margin": {**self.layout["margin"], "t": 64},
        }
        return graph_objects.Figure(data=list(self.data), layout=layout)

    def _repr_mimebundle_(self, *args: object, **kwargs: object) -> Any:
        return self.figure()._repr_mimebundle_(*args, **kwargs)


def layout(x: Sequence[Any], *, y: str, percent: bool = False, height: int = 300) -> Spec:
    """Common layout over the periods ``x``: ``y`` is the axis title with its unit."""
    return {
        "height": height,
        "margin": {"l": 56, "r": 128, "t": 16, "b": 36},
        "hovermode": "x unified",
        "showlegend": False,
        "dragmode": False,
        "xaxis": {"type": "date", "nticks": 6, "range": [x[0], x[-1]] if len(x) > 1 else None},
        "yaxis": {"title": {"text": y}, "tickformat": ".0%" if percent else ",~s"},
        "shapes": [],
        "annotations": [],
    }


def line(x: Sequence[Any], y: Sequence[Any], *, name: str, colour: str, unit: str = "", dash: str = "solid") -> Spec:
    """A line trace whose hover text names it and its unit."""
    value = "%{y:.1%}" if unit == "%" else "%{y:,.4~g} " + html.escape(unit)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": html.escape(name),
        "line": {"color": colour, "width": 2.25, "dash": dash},
        "hovertemplate": value,
    }


def band(
    x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], *, colour: str, name: str, unit: str = ""
) -> list[Spec]:
    """Two traces that shade the room between ``low`` and ``high``."""
    edge = {"type": "scatter", "mode": "lines", "x": x, "line": {"width": 0, "color": colour}}
    shown = "%{y:.1%}" if unit == "%" else "%{y:,.4~g} " + html.escape(unit)
    return [
        {**edge, "y": high, "name": html.escape(f"{name}, high"), "hovertemplate": shown},
        {
            **edge,
            "y": low,
            "fill": "tonexty",
            "fillcolor": transparent(colour, 0.18),
            "name": html.escape(f"{name}, low"),
            "hovertemplate": shown,
        },
    ]


def end_label(x: Sequence[Any], y: Sequence[Any], *, text: str, colour: str, shift: int = 0) -> list[Spec]:
    """The name of a line, written beside its last known point; nothing for a line without one."""
    known = [(at, value) for at, value in zip(x, y, strict=True) if value is not None]
    if not known:
        return []
    at, value = known[-1]
    return [
        {
            "x": at,
            "y": value,
            "text": "<br>".join(html.escape(part) for part in textwrap.wrap(text, LABEL_CHARACTERS)),
            "showarrow": False,
            "xanchor": "left",
            "xshift": 8,
            "yshift": shift,
            "align": "left",
            "font": {"color": colour, "size": 12},
        }
    ]


def spread_labels(labels: Sequence[Spec], *, low: float, high: float, height: int = 250) -> list[Spec]:
    """Move labels of nearby lines apart, at least 15 pixels, keeping their order."""
    room = 15.0
    scale = height / (high - low) if high > low else 0.0
    placed: list[Spec] = []
    last = -1e9
    for label in sorted(labels, key=lambda spec: float(spec["y"])):
        at = max(float(label["y"]) * scale, last + room)
        placed.append({**label, "yshift": round(at - float(label["y"]) * scale)})
        last = at
    return placed


def event_marks(events: Sequence[Event], x: Sequence[Any]) -> tuple[list[Spec], list[Spec]]:
    """Thin vertical lines where something happened within ``x``, and the markers at the top that say what.

    Markers closer than a fiftieth of the span stand beside one another.
    """
    placed = [replace(event, at=_on_axis(event.at, x)) for event in events if x]
    inside = sorted((event for event in placed if x[0] <= event.at <= x[-1]), key=lambda event: moment(event.at))
    lines = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": event.at,
            "x1": event.at,
            "y0": 0,
            "y1": 1,
            "line": {"color": EVENT_COLOURS[event.kind], "width": 1.25, "dash": "dot"},
        }
        for event in inside
    ]
    marks: list[Spec] = []
    for event in inside:
        close = sum(_share(x, event.at) - _share(x, mark["x"]) < 0.02 for mark in marks)
        marks.append(_mark(event, shift=11 * close))
    return lines, marks


def _mark(event: Event, *, shift: int) -> Spec:
    return {
        "x": event.at,
        "xref": "x",
        "xshift": shift,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "text": EVENT_SYMBOLS[event.kind],
        "hovertext": html.escape(f"{event.at}: {event.text}"),
        "showarrow": False,
        "font": {"color": EVENT_COLOURS[event.kind], "size": 13},
    }


def _on_axis(at: date | datetime, x: Sequence[Any]) -> date | datetime:
    exact = moment(at)
    return exact if isinstance(x[0], datetime) else exact.date()


def _share(x: Sequence[Any], at: Any) -> float:
    return float((at - x[0]) / (x[-1] - x[0])) if x[-1] > x[0] else 0.0


def level_line(value: float) -> Spec:
    """A quiet dashed line across the plot."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": {"color": OTHER, "width": 1.25, "dash": "dash"},
    }


def numbers(frame: pl.DataFrame, name: str) -> list[float | None]:
    """A column as plain floats, with ``None`` for whatever is not a finite number."""
    column = frame[name].cast(pl.Float64)
    return column.set(~column.is_finite().fill_null(value=False), None).to_list()


def share(value: float, *, digits: int = 1) -> str:
    """A share in [0, 1] in percent, as it is written in sentences.

    Examples
    --------
    >>> share(0.978), share(0.98, digits=0)
    ('97.8\N{NO-BREAK SPACE}%', '98\N{NO-BREAK SPACE}%')
    """
    return f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def spoken(name: str) -> str:
    """A registered name as one says it.

    Examples
    --------
    >>> spoken("normal_order_up_to")
    'normal order up to'
    """
    return name.replace("_", " ")


def nothing(sentence: str, table: pl.DataFrame) -> Chart:
    """A chart without data: only a sentence that says so."""
    return Chart(title=sentence, data=(), layout=layout((), y=""), table=table)
