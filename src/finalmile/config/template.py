"""The file that ``finalmile init`` writes: every setting, commented out, with its reason."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from finalmile.config.meanings import meanings
from finalmile.config.settings import Config, ModelSettings

_TOP = """\
# Settings of this project. Every line is optional: what is commented out shows the default.
"""


def template() -> str:
    """YAML text that means the defaults and documents all settings.

    Examples
    --------
    >>> template().splitlines()[0]
    '# Settings of this project. Every line is optional: what is commented out shows the default.'
    """
    return _TOP + "\n".join(_section(Config, Config(), indent="")) + "\n"


def _section(section: type[BaseModel], values: BaseModel, *, indent: str) -> Iterator[str]:
    told = meanings(section)
    for name in section.model_fields:
        value: object = getattr(values, name)
        yield ""
        if isinstance(value, BaseModel):
            yield from _comment(type(value).__doc__ or "", indent)
            yield f"# {indent}{name}:"
            yield from _fields(type(value), value, indent=indent + "  ")
        elif name == "models":
            yield from _comment(ModelSettings.__doc__ or "", indent)
            yield f"# {indent}models:"
            yield f"# {indent}  demand:"
            yield from _fields(ModelSettings, ModelSettings(), indent=indent + "    ")
        else:
            yield from _setting(name, told.get(name, ""), value, indent=indent)


def _fields(section: type[BaseModel], values: BaseModel, *, indent: str) -> Iterator[str]:
    told = meanings(section)
    for name in section.model_fields:
        yield from _setting(name, told.get(name, ""), getattr(values, name), indent=indent)


def _setting(name: str, meaning: str, value: object, *, indent: str) -> Iterator[str]:
    yield from _comment(meaning, indent)
    yield f"# {indent}{name}: {written(value)}"


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(" ".join(text.replace("``", "").split()), width=100 - len(indent)):
        yield f"# {indent}# {line}"


def written(value: Any) -> str:
    """A value as YAML writes it on one line.

    Examples
    --------
    >>> written(None), written((0.5, 0.98)), written({"cycle_service": 0.98}), written(True)
    ('null', '[0.5, 0.98]', '{cycle_service: 0.98}', 'true')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, BaseModel):
        return str(getattr(value, "name", value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # any mapping
    if isinstance(value, tuple | list):
        return "[" + ", ".join(written(item) for item in value) + "]"  # pyright: ignore[reportUnknownVariableType]  # any sequence
    return f"{value:g}" if isinstance(value, float) else str(value)
