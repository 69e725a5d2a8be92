"""Read ``finalmile.yaml``: line numbers kept, all faults gathered."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from finalmile.config.settings import Config, nearest_line
from finalmile.config.template import written
from finalmile.errors import ConfigError

FILE_NAME = "finalmile.yaml"
Lines = dict[tuple[str, ...], int]


class _Loader(yaml.SafeLoader):
    """YAML in which NO is Norway and 2016-01-01 is text; YAML 1.1 made them a boolean and a date."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class keeps it there
        first: [(tag, rule) for tag, rule in rules if not tag.endswith((":bool", ":timestamp"))]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]  # the stub is untyped here
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def load_config(folder: Path) -> Config:
    """Settings of the project in ``folder``; the defaults where ``finalmile.yaml`` is missing or empty.

    Raises
    ------
    ConfigError
        Names every fault with its line.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Config()
    except UnicodeDecodeError as error:
        raise ConfigError(FILE_NAME, [f"is not UTF-8 text (byte {error.start}); save it as UTF-8"]) from None
    return parse_config(text)


def parse_config(text: str, *, source: str = FILE_NAME) -> Config:
    r"""Settings from YAML text.

    Raises
    ------
    ConfigError
        Names every fault with its line.

    Examples
    --------
    >>> parse_config("monitor: {arl: 1000}").monitor.arl
    1000.0
    >>> parse_config("monitor:\n  alr: 1000")
    Traceback (most recent call last):
    finalmile.errors.ConfigError: finalmile.yaml:2: no setting of monitor is called 'alr'. Did you mean 'arl'? ...
    """
    data, lines, repeated = _read(text, source=source)
    faults: list[tuple[int | None, str]] = [
        (lines[path], f"{'.'.join(path)} is given twice; keep one") for path in repeated
    ]
    config = None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        faults += [
            _fault(detail, lines) for detail in error.errors(include_url=False) if detail["type"] not in _FOLLOWS
        ]
    if config is None or faults:
        faults.sort(key=lambda fault: fault[0] or 0)
        raise ConfigError(source, [said for _, said in faults], [line for line, _ in faults])
    return config.read_from(source, lines=lines)


def _read(text: str, *, source: str) -> tuple[Mapping[object, object], Lines, list[tuple[str, ...]]]:
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = None if node is None else loader.construct_document(node)  # pyright: ignore[reportUnknownMemberType]  # stub is untyped
        lines: Lines = {}
        repeated = [] if node is None else list(_walk(node, (), lines))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise ConfigError(source, [f"is not YAML here: {error.problem or error.context}"], [line]) from None
    except yaml.YAMLError as error:
        raise ConfigError(source, [f"is not YAML: {error}"]) from None
    except RecursionError:
        raise ConfigError(source, ["is nested too deeply to be settings"]) from None
    if data is not None and not isinstance(data, dict):
        raise ConfigError(source, [f"holds {type(data).__name__}, not settings; write 'name: value' lines"], [1])
    return cast("dict[object, object]", data or {}), lines, repeated


def _walk(node: yaml.Node, path: tuple[str, ...], lines: Lines) -> Iterator[tuple[str, ...]]:
    """Note the line of everything below ``node``; yield paths that are given twice."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            if here in lines:
                yield here
            lines[here] = key.start_mark.line + 1
            yield from _walk(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines[*path, str(i)] = value.start_mark.line + 1
            yield from _walk(value, (*path, str(i)), lines)


_FOLLOWS = {"default_factory_not_called"}
"""Faults that only say that another one is there."""
_MESSAGES = {"tuple_type": "write a list, such as [a, b]", "string_type": "write a name"}


def _fault(detail: ErrorDetails, lines: Lines) -> tuple[int | None, str]:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    line = nearest_line(lines, path)
    if detail["type"] == "extra_forbidden":
        return line, _unknown(path)
    if detail["type"] in {"model_type", "dict_type", "mapping_type"}:
        return line, f"{'.'.join(path)} is {detail['input']!r}: write 'name: value' lines below it, or leave it out."
    message = _MESSAGES.get(detail["type"], detail["msg"]).removeprefix("Value error, ").rstrip(".")
    if detail["type"] == "string_type" and isinstance(detail["input"], Mapping):
        message += "; what it is set to stands beside it, under 'settings'"
    place = ".".join(path) or "the file"
    given = "" if isinstance(detail["input"], Mapping) else f" is {detail['input']!r}"
    return line, f"{place}{given}: {message[:1].lower()}{message[1:]}.{_default(path)}"


def _unknown(path: tuple[str, ...]) -> str:
    section = section_at(path[:-1]) or Config
    known = sorted(section.model_fields)
    close = difflib.get_close_matches(path[-1], known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    of = f" of {'.'.join(path[:-1])}" if path[:-1] else ""
    return f"no setting{of} is called {path[-1]!r}.{hint} Known: {', '.join(known)}."


def _default(path: tuple[str, ...]) -> str:
    section = section_at(path[:-1]) if path else None
    field = section.model_fields.get(path[-1]) if section is not None else None
    if field is None or field.is_required() or field.default_factory is not None:
        return ""
    value: object = field.default
    return "" if isinstance(value, BaseModel) else f" Leave it out for the default, {written(value)}."


def section_at(path: Iterable[str]) -> type[BaseModel] | None:
    """Section that a path leads to, through mappings and lists; ``None`` where it leads to a value."""
    section: type[BaseModel] | None = Config
    inside = False
    for key in path:
        if inside:
            inside = False
            continue
        if section is None or key not in section.model_fields:
            return None
        section, inside = _section_in(section.model_fields[key].annotation)
    return section


def _section_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in get_args(annotation):
        found, _ = _section_in(part)
        if found is not None:
            return found, True
    return None, False
