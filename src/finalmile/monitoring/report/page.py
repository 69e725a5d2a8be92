"""Report pages: self-contained, readable in dark and light, usable by keyboard, without any script but a filter."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from finalmile.monitoring.effects import Effect
from finalmile.monitoring.effects.tables.domain_classifier import Separation
from finalmile.monitoring.report.columns import ColumnReport
from finalmile.monitoring.report.sparkline import svg
from finalmile.monitoring.report.style import document
from finalmile.monitoring.report.telling import sentence, size_word
from finalmile.records import Finding

_HEADS = ("column", "rows by value", "share of rows elsewhere", "and")
_SIZES = ("large", "medium", "small", "none", "unknown")
_SHORT = {
    "ks": "KS",
    "psi": "PSI",
    "chi_square": "Cramér's V",
    "total_variation": "total variation",
    "jensen_shannon": "Jensen-Shannon",
    "hellinger": "Hellinger",
    "wasserstein": "Wasserstein",
    "energy": "energy",
}


def drift_page(
    columns: Sequence[ColumnReport],
    findings: Sequence[Finding],
    *,
    separation: Separation | None,
    passed: bool,
    verdict: str,
) -> str:
    """The drift report as a page: columns in the order given, and those findings about all of them that matter."""
    odd = [one for one in findings if one.breached or one.value is None]
    body = [
        _head("Drift report", passed=passed, verdict=verdict),
        _findings(odd, title="Columns and looks"),
        _separated(separation),
        _tools(),
        *map(_row, columns),
    ]
    return document("Drift report", "".join(body), script=True)


def render(findings: Sequence[Finding], *, title: str = "Monitoring", verdict: str = "") -> str:
    """Findings of any checks as a page: breaches first, then what could not run, then all else.

    Parameters
    ----------
    verdict
        A sentence above; counts are told where it is empty.
    """
    breached = [one for one in findings if one.breached]
    silent = [one for one in findings if one.value is None and not one.breached]
    quiet = [one for one in findings if not one.breached and one.value is not None]
    counts = f"{len(breached)} breached, {len(silent)} could not run, {len(quiet)} as they should be."
    body = [
        _head(title, passed=not breached, verdict=verdict or counts),
        _findings(breached, title="Breached"),
        _findings(silent, title="Could not run"),
        _findings(quiet, title="As it should be"),
    ]
    return document(title, "".join(body))


def _head(title: str, *, passed: bool, verdict: str) -> str:
    state = '<span class="state good">passed</span>' if passed else '<span class="state bad">breached</span>'
    return f"<h1>{escape(title)} {state}</h1><p>{escape(verdict)}</p>"


def _findings(findings: Sequence[Finding], *, title: str) -> str:
    if not findings:
        return ""
    head = '<tr><th>check</th><th class="t">of</th><th>value</th><th>against</th><th class="t">why</th></tr>'
    rows = "".join(
        f'<tr><td>{escape(one.check)}</td><td class="t">{escape(one.subject)}</td><td>{_figure(one.value)}</td>'
        f'<td>{_figure(one.benchmark)}</td><td class="t">{escape(one.why)}</td></tr>'
        for one in findings
    )
    return f'<h2>{escape(title)}</h2><div class="wide"><table>{head}{rows}</table></div>'


def _separated(separation: Separation | None) -> str:
    if separation is None:
        return ""
    auc = separation.auc
    if auc.value is None:
        return f"<h2>All columns together</h2><p>{escape(auc.why)}.</p>"
    by = ", ".join(f"{name} {share:.0%}" for name, share in separation.features if share >= 0.01)
    return (
        f"<h2>All columns together</h2><p>A model tells a current row from a reference row with an area under the "
        f"curve of {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}; 0.5 is chance): {escape(size_word(auc))}. "
        f"It goes by {escape(by)}.</p>"
    )


def _tools() -> str:
    sizes = "".join(f'<option value="{size}">{size}</option>' for size in ("breached", *_SIZES))
    return (
        '<h2>Columns, most moved first</h2><div class="tools" id="tools" hidden>'
        '<label>Find <input id="q" type="search"></label>'
        f'<label>Size <select id="s"><option value="">any</option>{sizes}</select></label>'
        '<span class="quiet" id="n" aria-live="polite"></span></div>'
        '<p class="quiet">Open a row for every figure.'
        '<span class="key"><i></i>reference<i class="now"></i>current</span></p>'
        f'<div class="heads quiet">{"".join(f"<span>{head}</span>" for head in _HEADS)}</div>'
    )


def _row(column: ColumnReport) -> str:
    told = column.headline
    size = "unknown" if told is None else told.size
    marks = f"{size} breached" if column.breached else size
    kind = column.current_type or column.reference_type
    if column.reference_type and column.current_type and column.reference_type != column.current_type:
        kind = f"{column.reference_type} → {column.current_type}"
    drawn = "" if column.shape is None else svg(column.shape, label=_alt(column))
    return (
        f'<details data-n="{escape(column.name.lower())}" data-s="{marks}"><summary>'
        f"<span><b>{escape(column.name)}</b><small>{escape(kind)}</small></span><span>{drawn}</span>"
        f"<span>{_headline(told, breached=column.breached)}</span>"
        f'<span class="quiet">{escape(_remark(column))}</span></summary>'
        f'<div class="in">{_inside(column)}</div></details>'
    )


def _alt(column: ColumnReport) -> str:
    shape = column.shape
    return "" if shape is None else f"{column.name}, from {shape.left} to {shape.right}"


def _headline(told: Effect | None, *, breached: bool) -> str:
    if told is None or told.value is None:
        return '<small class="quiet">not compared</small>'
    state = ' class="bad"' if breached else ""
    return (
        f'<b{state}>{told.value:.1%}</b> <span class="quiet">{escape(size_word(told))}</span>'
        f'<div class="bar"><i style="width:{min(told.value, 1):.0%}"></i></div>'
    )


def _remark(column: ColumnReport) -> str:
    if column.note:
        return column.note
    shares = [one for one in (column.missing, column.outside, column.unseen) if one is not None]
    said = [f"{one.name} {one.value:.2%}" for one in shares if _worth(one)]
    moved = next((one for one in column.effects if one.name == "wasserstein" and one.value is not None), None)
    if moved is not None and moved.low:
        said.insert(0, f"{moved.value:.2g} sd on average")
    return ", ".join(said)


def _worth(one: Effect) -> bool:
    return (one.value or 0.0) >= 0.00005 and (bool(one.low) or one.name == "unseen")


def _inside(column: ColumnReport) -> str:
    if not column.effects:
        return f"<p>{escape(sentence(column))}</p>"
    head = "<tr><th>effect</th><th>value</th><th>95 %</th><th>by chance</th><th>error</th><th>size</th></tr>"
    rows = "".join(map(_effect, column.every))
    return f'<p>{escape(sentence(column))}</p><div class="wide"><table>{head}{rows}</table></div>'


def _effect(one: Effect) -> str:
    name = escape(_SHORT.get(one.name, one.name))
    if one.value is None:
        return f'<tr><td>{name}</td><td class="t" colspan="5">{escape(one.why)}</td></tr>'
    error = f"{one.error:.1g}" if one.error else "0"
    return (
        f"<tr><td>{name}</td><td>{_figure(one.value)}</td><td>{_figure(one.low)} to {_figure(one.high)}</td>"
        f"<td>{_figure(one.chance)}</td><td>{error}</td><td>{escape(size_word(one))}</td></tr>"
    )


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < 1e5 else f"{value:.2e}"
