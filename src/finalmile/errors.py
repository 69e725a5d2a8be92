"""Every exception finalmile raises on purpose: each says what was wrong, what would be right, and how to mend it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

# Control characters, line separators of Unicode, and what turns the reading direction around.
CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
_CONTROL = re.compile(CONTROL)
_NAMES_TOLD = 40


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with every control character written out, so that no name from a file steers a terminal or a log.

    Parameters
    ----------
    lines
        Line feeds stay as they are.

    Examples
    --------
    >>> print(printable("milk\x1b[2J\nbread"))
    milk\x1b[2J\nbread
    >>> printable("牛乳 🥛 حليب")
    '牛乳 🥛 حليب'
    """
    return _CONTROL.sub(lambda found: found[0] if lines and found[0] == "\n" else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class FinalMileError(Exception):
    """Catch this to catch everything finalmile raises on purpose."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that one was probably meant for, whatever the case; None where none is near.

    Examples
    --------
    >>> nearest("acme", ["ACME", "Zenith"]), nearest("milk", ["ACME", "Zenith"])
    ('ACME', None)
    """
    lower = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    return lower[close[0]] if close else None


class UnknownNameError(FinalMileError, LookupError):
    """A name that nothing answers to: a plugin, a setting, a model."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        close = nearest(name, self.known)
        hint = f" Did you mean {close!r}?" if close else ""
        super().__init__(f"no {kind} is called {name!r}.{hint} Known: {_first_of(self.known)}.")

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        return type(self), (self.kind, self.name, self.known)


def _first_of(names: Sequence[str]) -> str:
    more = f", and {len(names) - _NAMES_TOLD:,} more" if len(names) > _NAMES_TOLD else ""
    return (", ".join(names[:_NAMES_TOLD]) + more) or "none yet"


class DuplicateNameError(FinalMileError, ValueError):
    """Two plugins of one kind claim the same name."""


class _FaultsError(FinalMileError, ValueError):
    """Several faults of one source, gathered and raised once."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.source, self.faults = source, tuple(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in self.faults))

    def __reduce__(self) -> tuple[type[_FaultsError], tuple[str, tuple[str, ...]]]:
        return type(self), (self.source, self.faults)


class ConfigError(_FaultsError):
    """Settings that cannot be used; every fault of the file at once.

    Parameters
    ----------
    source
        The file the settings came from.
    faults
        One sentence each.
    lines
        Line of each fault, ``None`` where it has none; empty where no fault has one.

    Examples
    --------
    >>> print(ConfigError("finalmile.yaml", ["no country is called 'DD'"], [3]))
    finalmile.yaml:3: no country is called 'DD'
    """

    def __init__(self, source: str, faults: Sequence[str], lines: Sequence[int | None] = ()) -> None:
        super().__init__(source, faults)
        self.lines = tuple(lines) or (None,) * len(self.faults)
        places = [source if line is None else f"{source}:{line}" for line in self.lines]
        self.args = ("\n".join(f"{place}: {fault}" for place, fault in zip(places, self.faults, strict=True)),)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[str, tuple[str, ...], tuple[int | None, ...]]]:  # type: ignore[override]  # one argument more than its base
        return type(self), (self.source, self.faults, self.lines)


class SchemaError(_FaultsError):
    """Data that cannot be used; every fault of the frame or file at once.

    Parameters
    ----------
    source
        The file or frame the data came from.
    faults
        One sentence each: the column, how many rows, the first of them, and what would be right.
    """


class MissingInputError(FinalMileError, LookupError):
    """Something needed was never given: sales, stock, a trained version, a baseline."""


class ConflictError(FinalMileError, RuntimeError):
    """Somebody else changed the same thing first; read again and decide again."""


class NotCertifiedError(FinalMileError, RuntimeError):
    """A version was to be promoted without a certificate that passed."""


class CorruptError(FinalMileError, RuntimeError):
    """A file's content is not what was recorded when it was written."""


class BusyError(FinalMileError, RuntimeError):
    """Another process is writing to this project."""


class TransientError(FinalMileError, RuntimeError):
    """Trying again may help."""


class PermanentError(FinalMileError, RuntimeError):
    """Trying again will not help."""


class MissingExtraError(FinalMileError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, extra: str, module: str) -> None:
        self.extra, self.module = extra, module
        super().__init__(f'{module} is needed here and not installed: pip install "finalmile[{extra}]"')

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return type(self), (self.extra, self.module)


class MissingLibraryError(FinalMileError, ImportError):
    """A library that a registered model needs is not installed."""

    def __init__(self, module: str, install: str) -> None:
        self.module, self.install = module, install
        super().__init__(f"{module} is needed here and not installed: pip install {install}")

    def __reduce__(self) -> tuple[type[MissingLibraryError], tuple[str, str]]:
        return type(self), (self.module, self.install)


class ModelFaultError(FinalMileError, RuntimeError):
    """A registered model did not answer as it must.

    Parameters
    ----------
    kind
        ``"raised"``, ``"late"``, ``"died"``, ``"shape"``, ``"not finite"``, ``"too large"``, ``"memory"``. No new
        fault of the model: ``"starting"`` while it is being brought back, ``"waiting"`` where others' questions took
        the time there was, ``"unusual"`` where it failed on these features and still answers its golden rows.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(message)

    def __reduce__(self) -> tuple[type[ModelFaultError], tuple[str, str]]:
        return type(self), (self.kind, self.message)
