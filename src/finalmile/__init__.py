"""Demand forecasts in production: watched, acted upon, turned into orders, and accounted for in money.

Everything a notebook needs is an attribute of this module and is imported when it is first used.

Examples
--------
>>> import finalmile as fm
>>> fm.policies.OrderUpTo(cycle_service=0.98).cycle_service
0.98
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from importlib.metadata import version as _installed
    from typing import Any

    from finalmile import errors, figures, forecasters, metrics, sandbox
    from finalmile.config import Config
    from finalmile.errors import (
        ConfigError,
        FinalMileError,
        MissingInputError,
        NotCertifiedError,
        SchemaError,
        UnknownNameError,
    )
    from finalmile.frames import Cumulative, Forecast, Frequency, Panel
    from finalmile.inventory import policies
    from finalmile.monitoring import effects
    from finalmile.monitoring.effects.tables.domain_classifier import DomainClassifier
    from finalmile.monitoring.profile import Profile
    from finalmile.monitoring.report import DriftReport
    from finalmile.plugins import Registry
    from finalmile.project import Project
    from finalmile.records import Certificate, EndpointCertificate, Estimate, Finding, Incident, OrderLine, Version

    __version__ = _installed("finalmile")

_MODULES = {
    "effects": "finalmile.monitoring.effects",
    "errors": "finalmile.errors",
    "figures": "finalmile.figures",
    "forecasters": "finalmile.forecasters",
    "metrics": "finalmile.metrics",
    "policies": "finalmile.inventory.policies",
    "sandbox": "finalmile.sandbox",
}
_HOMES = {
    **dict.fromkeys(("Cumulative", "Forecast", "Frequency", "Panel"), "finalmile.frames"),
    **dict.fromkeys(
        ("Certificate", "EndpointCertificate", "Estimate", "Finding", "Incident", "OrderLine", "Version"),
        "finalmile.records",
    ),
    **dict.fromkeys(
        ("ConfigError", "FinalMileError", "MissingInputError", "NotCertifiedError", "SchemaError", "UnknownNameError"),
        "finalmile.errors",
    ),
    "Config": "finalmile.config",
    "DomainClassifier": "finalmile.monitoring.effects.tables.domain_classifier",
    "DriftReport": "finalmile.monitoring.report",
    "Profile": "finalmile.monitoring.profile",
    "Project": "finalmile.project",
    "Registry": "finalmile.plugins",
}

__all__ = [
    "Certificate",
    "Config",
    "ConfigError",
    "Cumulative",
    "DomainClassifier",
    "DriftReport",
    "EndpointCertificate",
    "Estimate",
    "FinalMileError",
    "Finding",
    "Forecast",
    "Frequency",
    "Incident",
    "MissingInputError",
    "NotCertifiedError",
    "OrderLine",
    "Panel",
    "Profile",
    "Project",
    "Registry",
    "SchemaError",
    "UnknownNameError",
    "Version",
    "__version__",
    "drift_report",
    "effects",
    "errors",
    "figures",
    "forecasters",
    "init",
    "metrics",
    "open",
    "policies",
    "sandbox",
]


def open(folder: str | Path = ".") -> Project:  # noqa: A001 - reads as fm.open("shop")
    """The project in a folder, which is made where it is not there.

    Raises
    ------
    ConfigError
        Its settings cannot be used; names every fault with its line.
    """
    from finalmile.project import Project

    return Project.open(Path(folder))


def init(folder: str | Path = ".") -> Project:
    """A new project, with a settings file that documents every setting; an existing one is opened as it is."""
    from finalmile.project import Project

    return Project.init(Path(folder))


def drift_report(
    reference: Any,
    current: Any,
    *,
    columns: Sequence[str] | None = None,
    time: str | None = None,
    sizes: Sequence[str] | None = None,
    thresholds: Mapping[str, float] | None = None,
    classifier: DomainClassifier | None = None,
    at: date | datetime | None = None,
) -> DriftReport:
    """How far every column of ``current`` is from ``reference``: effect sizes with intervals, shown by a notebook.

    Nothing is an alarm unless a threshold is set, for example ``thresholds={"psi": 0.25}``: it is passed where even
    the low end of the interval reaches it. With a ``time`` column, the evidence of every look is told too.

    Parameters
    ----------
    reference, current
        Parquet paths, Polars, pandas, Arrow, DuckDB, or arrays by name; ``reference`` may be a saved ``fm.Profile``.
    columns
        Those to compare; all where ``None``.
    time
        Column that says when a row was.
    sizes
        Names of effect sizes; all where ``None``.
    thresholds
        By name of the effect size, or of ``missing``, ``outside`` and ``unseen``.
    classifier
        Such as ``fm.DomainClassifier()``, to tell the samples apart by all columns together.
    at
        Date of the findings; today where ``None``.

    Raises
    ------
    MissingInputError
        Data cannot be read.
    UnknownNameError
        No effect size has that name, or neither side has the column ``time``.

    Examples
    --------
    >>> import finalmile as fm
    >>> report = fm.drift_report({"price": [1.0, 2.0, 3.0, 4.0] * 50}, {"price": [3.0, 4.0, 5.0, 6.0] * 50})
    >>> report.columns[0].headline.value, report.passed
    (0.5, True)
    """
    from datetime import date as day

    from finalmile.monitoring import report

    return report.drift_report(
        reference,
        current,
        at=day.today() if at is None else at,
        columns=columns,
        time=time,
        sizes=sizes,
        thresholds=thresholds,
        classifier=classifier,
    )


def __getattr__(name: str) -> object:
    """What ``name`` stands for, imported now."""
    if name == "__version__":
        from importlib.metadata import version

        return version("finalmile")
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'finalmile' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
