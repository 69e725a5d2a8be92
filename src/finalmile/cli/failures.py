"""Exit codes, and errors said as sentences."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from finalmile.cli.report import write_json
from finalmile.errors import (
    ConfigError,
    ConflictError,
    MissingInputError,
    NotCertifiedError,
    SchemaError,
    UnknownNameError,
    printable,
)

FINE, BREACHED, WRONG_USE, COULD_NOT_RUN, STOPPED = 0, 1, 2, 3, 130
_MENDED_BY_THE_USER = (ConfigError, ConflictError, SchemaError, UnknownNameError, MissingInputError)


def code_of(error: BaseException) -> int:
    """Exit code for an error: 1 for a missing certificate, 2 for wrong use, 3 for what could not run, 130 for Ctrl-C.

    Examples
    --------
    >>> code_of(UnknownNameError("model", "demnad", ["demand"])), code_of(OSError(28, "No space left on device"))
    (2, 3)
    """
    if isinstance(error, KeyboardInterrupt):
        return STOPPED
    if isinstance(error, NotCertifiedError):
        return BREACHED
    return WRONG_USE if isinstance(error, _MENDED_BY_THE_USER) else COULD_NOT_RUN


def tell(error: BaseException, *, as_json: bool, debug: bool, hint: Callable[[str], str] = str) -> None:
    """Say what went wrong on standard error, and as JSON on standard output where that was asked for."""
    if debug:
        print(printable("".join(traceback.format_exception(error)), lines=True), file=sys.stderr, end="")
    else:
        print(printable(hint(said(error)), lines=True), file=sys.stderr)
    if as_json:
        kind = type(error).__name__
        write_json({"error": {"kind": kind, "message": said(error), "exit_code": code_of(error)}})


def said(error: BaseException) -> str:
    """The error as a sentence, never empty.

    Examples
    --------
    >>> said(OSError(28, "No space left on device", "lake/x.parquet"))
    'No space left on device: lake/x.parquet'
    >>> said(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero (--debug shows where)'
    """
    if isinstance(error, KeyboardInterrupt):
        return "Stopped. Nothing is half-done: the next run goes on from here."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if type(error).__module__.startswith("finalmile"):
        return str(error)
    return f"{type(error).__name__}: {error} (--debug shows where)"
