"""What a features file says of a model of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from finalmile.errors import MissingInputError, SchemaError
from finalmile.serving.signature import Signature

_KEYS = ("features", "outputs", "made_by", "golden")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Features in the model's order, its outputs, and what else the owner knows of it.

    Parameters
    ----------
    made_by
        ``pkg.mod:fn``: makes the features from sales up to a cutoff and a horizon, for forecasts and endpoint alike.
    golden
        ``rows`` and the ``answers`` they must give.
    """

    signature: Signature
    made_by: str | None = None
    golden: Mapping[str, Any] | None = None


def read_declaration(path: Path, /) -> Declaration:
    """Read a features file: YAML with ``features``, and optionally ``outputs``, ``made_by`` and ``golden``.

    Raises
    ------
    MissingInputError
        It is not there.
    SchemaError
        With every fault of it.
    """
    try:
        told: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise MissingInputError(
            f"{path} is not there; --features must name a file that lists the features"
        ) from missing
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise SchemaError(str(path), [f"is no YAML: {str(fault).splitlines()[0]}"]) from fault
    if not isinstance(told, list | dict):
        raise SchemaError(str(path), ["must hold a list called features"])
    found = cast("dict[str, Any]", {"features": told} if isinstance(told, list) else told)
    return declared(found, source=str(path))


def declared(told: Mapping[str, Any], /, *, source: str = "features") -> Declaration:
    """The same from a mapping."""
    strange = [f"no key is called {key!r}; known: {', '.join(_KEYS)}" for key in told if key not in _KEYS]
    golden: Any = told.get("golden")
    if golden is not None and (not isinstance(golden, Mapping) or {"rows", "answers"} - set(cast("Any", golden))):
        strange.append("golden must hold rows and answers")
    if strange:
        raise SchemaError(source, strange)
    made_by = told.get("made_by")
    return Declaration(
        signature=Signature.from_json(told),
        made_by=None if made_by is None else str(made_by),
        golden=cast("Mapping[str, Any] | None", golden),
    )
