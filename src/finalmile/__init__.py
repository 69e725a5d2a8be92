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
    from importlib.metadata import version as _installed

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
    from finalmile.plugins import Registry
    from finalmile.project import Project
    from finalmile.records import Certificate, EndpointCertificate, Estimate, Finding, Incident, OrderLine, Version

    __version__ = _installed("finalmile")

_MODULES = {
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
    "Project": "finalmile.project",
    "Registry": "finalmile.plugins",
}

__all__ = [
    "Certificate",
    "Config",
    "ConfigError",
    "Cumulative",
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
    "Project",
    "Registry",
    "SchemaError",
    "UnknownNameError",
    "Version",
    "__version__",
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
