"""States as bytes and back: plain arrays and numbers, no pickle."""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from finalmile.errors import CorruptError
from finalmile.frames import Frequency

T = TypeVar("T")

_PLAIN: dict[Any, Any] = {int: int, float: (int, float), bool: bool, str: str}


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
        with np.load(io.BytesIO(_inflated(blob)), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        plain: dict[str, Any] = json.loads(str(arrays.pop("__plain__")))
        if plain["version"] == version:
            state: T = _rebuild(kind, "", arrays, plain)
            return state
    except Exception as fault:  # whatever reading damaged bytes raises, they are damaged
        told = f"{type(fault).__name__}: {fault}"
        raise CorruptError(f"a stored {kind.__name__} cannot be read ({told}); certify the version again") from fault
    raise CorruptError(
        f"a stored {kind.__name__} has layout {plain['version']}, this program reads {version}; certify the version "
        "again"
    )


def _inflated(blob: bytes) -> bytes:
    """The bytes that were compressed, all of them and nothing after them."""
    whole = zlib.decompressobj()
    told = whole.decompress(blob)
    if not whole.eof or whole.unused_data:
        raise ValueError("it is cut, or something follows it")
    return told


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
    return _plain(kind, name, tuple(cast("list[object]", value)) if isinstance(value, list) else value)


def _plain(kind: Any, name: str, value: object) -> object:
    """A number, text or tuple, where it is of the kind that the field holds."""
    expected = _PLAIN.get(kind)
    if expected is not None and not isinstance(value, expected):
        raise ValueError(f"{name} is {value!r:.40}, which is no {kind.__name__}")
    return value
