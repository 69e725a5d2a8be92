"""Files from elsewhere, read whole and never more than fits."""

from __future__ import annotations

from pathlib import Path

from finalmile.errors import SchemaError


def read_at_most(path: Path, /, *, largest: int) -> bytes:
    """Content of a file of at most so many bytes.

    Raises
    ------
    SchemaError
        Where there is no such file, it cannot be read, or it is larger; nothing of a larger one is kept.
    """
    if not path.is_file():
        raise SchemaError(str(path), ["is a folder; name one file in it" if path.is_dir() else "there is no such file"])
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise SchemaError(str(path), [f"cannot be read: {error.strerror or error}"]) from error
    if len(content) > largest:
        raise SchemaError(path.name, [f"has more than {largest:,} bytes, the most that is read; divide it"])
    return content
