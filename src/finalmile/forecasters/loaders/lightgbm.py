"""LightGBM model texts, read natively."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from finalmile.errors import CorruptError, MissingInputError
from finalmile.forecasters.loaders.contract import Rows, copied, library, loaders
from finalmile.forecasters.loaders.native_trees import NativeTrees

ONE = "model.txt"
MANY = "models"


@loaders.add("lightgbm")
@dataclass(frozen=True, slots=True)
class LightGBM:
    """A model text as ``Booster.save_model`` writes it, or a folder with one for each output: ``q0.98.txt``.

    Its structure is checked first; then it is answered in the process that serves, by LightGBM's single-row call.
    """

    unpickles: ClassVar[bool] = False
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "rows"

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Copy the text or the folder of texts, once each was seen to be one."""
        if path is not None and path.exists():
            for text in sorted(path.glob("*.txt")) if path.is_dir() else [path]:
                _check_text(text)
        copied(path, folder, name=MANY if path is not None and path.is_dir() else ONE, what="a LightGBM model text")

    def load(self, folder: Path, outputs: Sequence[str], /) -> NativeTrees:
        """The checked trees, one text for each output."""
        return read_trees(folder, outputs)


def read_trees(folder: Path, outputs: Sequence[str], /) -> NativeTrees:
    """The checked trees of a folder that :meth:`LightGBM.collect` filled.

    Raises
    ------
    CorruptError
        A text cannot be read or is not sound.
    MissingInputError
        An output has no text.
    """
    return NativeTrees([_text(path) for path in _paths(folder, outputs)])


def named_otherwise(folder: Path, outputs: Sequence[str], names: Sequence[str], /) -> str:
    """What is wrong where a text names its features otherwise than they are declared; empty where it does not.

    A text whose features were never named (``Column_0``) says nothing about their order.
    """
    for path in _paths(folder, outputs):
        line = next((one for one in _text(path).splitlines() if one.startswith("feature_names=")), "")
        told = line.removeprefix("feature_names=").split()
        if len(told) != len(names):
            return _miscounted(path, told, names)
        if told == list(names) or _unnamed(told):
            continue
        wanted = [name.replace(" ", "_") for name in names]  # LightGBM writes no spaces in names
        if told != wanted:
            return f"{path.name} takes {', '.join(told)}; declared are {', '.join(names)}. Declare them in that order"
    return ""


def _unnamed(told: Sequence[str]) -> bool:
    return all(re.fullmatch(r"Column_\d+", one) for one in told)


def _miscounted(path: Path, told: Sequence[str], names: Sequence[str]) -> str:
    missing = [] if _unnamed(told) else [one for one in told if one not in {name.replace(" ", "_") for name in names}]
    lacking = f"; {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not declared" if missing else ""
    return (
        f"{path.name} takes {len(told)} features and {len(names)} are declared ({', '.join(names)}){lacking}. Declare "
        "every column that it was trained with, in that order"
    )


def same_as_package(folder: Path, outputs: Sequence[str], rows: Rows, answers: Rows, /) -> bool:
    """Whether these answers are those of ``Booster.predict`` to the last bit.

    The texts must have been checked before: this reads them in this process.
    """
    package = library("lightgbm", install="lightgbm")
    boosters = [package.Booster(model_str=_text(path)) for path in _paths(folder, outputs)]
    told = np.column_stack([booster.predict(rows, num_threads=1) for booster in boosters])
    return bool(np.array_equal(told, answers))


def _check_text(path: Path) -> None:
    """Raise where a file is something else than a whole model text.

    Raises
    ------
    MissingInputError
        Says what it looks like, and what would be right.
    """
    raw = path.read_bytes()
    right = "name the text that Booster.save_model wrote"
    if not raw.startswith(b"tree\n"):
        raise MissingInputError(f"{path} is no LightGBM model text: {_looks(raw)}; {right}")
    if b"\nend of trees\n" not in raw:
        raise MissingInputError(f"{path} ends before its trees do; {right}, whole")


def _looks(raw: bytes) -> str:
    if not raw:
        return "it is empty"
    first = raw.partition(b"\n")[0][:40].decode("utf-8", "replace").rstrip()
    return f"it begins with {first!r}" if first.isprintable() and "\ufffd" not in first else "it is not even text"


def _paths(folder: Path, outputs: Sequence[str]) -> list[Path]:
    if (folder / MANY).is_dir():
        paths = [folder / MANY / f"{name}.txt" for name in outputs]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            raise MissingInputError(f"the folder of models lacks {', '.join(missing)}; each output has its own text")
        return paths
    if len(outputs) != 1:
        raise MissingInputError(
            f"{len(outputs)} outputs are declared and one text was given; give a folder with "
            f"{', '.join(f'{name}.txt' for name in outputs)}"
        )
    return [folder / ONE]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise CorruptError(f"{path.name} cannot be read ({fault}); register the model again") from fault
