"""Settings of a project: read with line numbers, checked all at once, every default with its reason."""

from finalmile.config.names import check_names
from finalmile.config.reading import FILE_NAME, load_config, parse_config, section_at
from finalmile.config.settings import (
    Assume,
    Certify,
    Config,
    ModelSettings,
    Monitor,
    Plan,
    Receiver,
    Replay,
    Respond,
    Sending,
    Supplier,
)
from finalmile.config.template import template, written

__all__ = [
    "FILE_NAME",
    "Assume",
    "Certify",
    "Config",
    "ModelSettings",
    "Monitor",
    "Plan",
    "Receiver",
    "Replay",
    "Respond",
    "Sending",
    "Supplier",
    "check_names",
    "load_config",
    "parse_config",
    "section_at",
    "template",
    "written",
]
