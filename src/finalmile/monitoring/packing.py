"""States as bytes and back: plain arrays and numbers, no pickle."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from finalmile.errors import CorruptError
from finalmile.frames import Frequency

T = TypeVar("T")


def to_bytes(state: Any, *, version: int) -> bytes:
    """A (nested) dataclass of arrays, numbers, frequencies, tuples of numbers or dataclasses, as compressed ``npz``."""
    arrays: dict[str, Any] = {}
    plain: dict[str, object] = {"version": version}
    _flatten(state, "", arrays, plain)
    out = io.BytesIO()
    np.savez(out, __plain__=np.array(json.dumps(plain)), **arrays)
    return zlib.compress(out.getvalue(), level=1)


def from_bytes(kind: type[T], blob: bytes, *, version: int) -> T:
    """The inverse of :func:`to_bytes`.

    Raises
    ------
    CorruptError
        The bytes are not such a state, or one of another version.
    """
    try:
        with np.load(io.BytesIO(zlib.decompress(blob)), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        plain = json.loads(str(arrays.pop("__plain__")))
    except (ValueError, OSError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as fault:
        raise CorruptError(f"a stored {kind.__name__} cannot be read ({fault}); certify the version again") from fault
    if plain["version"] != version:
        raise CorruptError(
            f"a stored {kind.__name__} has layout {plain['version']}, this program reads {version}; certify the "
            "version again"
        )
    state: T = _rebuild(kind, "", arrays, plain)
    return state


def _flatten(value: Any, name: str, arrays: dict[str, Any], plain: dict[str, object]) -> None:
    if isinstance(value, Frequency):
        plain[name] = str(value)
    elif is_dataclass(value):
        for part in fields(value):
            _flatten(getattr(value, part.name), f"{name}/{part.name}" if name else part.name, arrays, plain)
    elif _holds_dataclasses(value):
        plain[name] = len(value)
        for number, part in enumerate(value):
            _flatten(part, f"{name}/{number}", arrays, plain)
    elif isinstance(value, np.ndarray):
        array = cast("npt.NDArray[Any]", value)
        arrays[name] = array.astype(str) if array.dtype.kind == "O" else array
    else:
        plain[name] = value


def _holds_dataclasses(value: Any) -> bool:
    return isinstance(value, tuple) and any(is_dataclass(part) for part in cast("tuple[object, ...]", value))


def _rebuild(kind: Any, name: str, arrays: dict[str, Any], plain: dict[str, Any]) -> Any:
    if kind is Frequency:
        return Frequency.parse(plain[name])
    if is_dataclass(kind):
        types = get_type_hints(kind)
        return kind(
            **{  # type: ignore[operator]  # a dataclass type is callable
                part.name: _rebuild(types[part.name], f"{name}/{part.name}" if name else part.name, arrays, plain)
                for part in fields(kind)
            }
        )
    parts = get_args(kind)
    if parts and is_dataclass(parts[0]):
        return tuple(_rebuild(parts[0], f"{name}/{number}", arrays, plain) for number in range(plain[name]))
    if name in arrays:
        stored = arrays[name]
        return stored.astype(object) if stored.dtype.kind == "U" else stored
    value: object = plain[name]
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value
