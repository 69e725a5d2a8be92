"""A registered version as a worker answers from it: checked LightGBM text in its own memory, all else isolated."""

from __future__ import annotations

from pathlib import Path

from finalmile.errors import CorruptError
from finalmile.forecasters.loaders.contract import RowModel
from finalmile.forecasters.loaders.kept import FILES, Kept
from finalmile.forecasters.loaders.lightgbm import read_trees
from finalmile.forecasters.loaders.native_trees import NativeTrees
from finalmile.serving.golden import check_golden
from finalmile.serving.host import Host

__all__ = ["NativeTrees", "open_native", "open_rows"]


def open_native(folder: Path, /) -> NativeTrees:
    """A LightGBM version in this process, its golden rows answered as when it was registered, to the last bit.

    Raises
    ------
    CorruptError
        It is no LightGBM version, its text is not sound, or its answers are not what they were.
    """
    kept = Kept.read(folder)
    if kept.isolated:
        raise CorruptError(
            f"{folder} was registered with loader {kept.loader}, which answers from a process of its own"
        )
    model = read_trees(folder / FILES, kept.outputs)
    check_golden(model, kept, exact=True)
    return model


def open_rows(folder: Path, /, *, isolated: bool = False, deadline_s: float = 2.0) -> RowModel:
    """Whatever was registered that takes rows, golden rows checked: in this process where that is safe.

    Raises
    ------
    CorruptError
        Files or answers are not what they were.
    ModelFaultError
        It could not be loaded or did not answer.
    """
    if not isolated and not Kept.read(folder).isolated:
        return open_native(folder)
    host = Host(folder, deadline_s=deadline_s)
    try:
        check_golden(host, Kept.read(folder), exact=False)
    except BaseException:
        host.close()
        raise
    return host
