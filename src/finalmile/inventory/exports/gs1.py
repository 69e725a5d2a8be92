"""Numbers of GS1: which article, which place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from finalmile.errors import printable

_GTIN, _GLN = re.compile("[0-9]{8}|[0-9]{12,14}"), re.compile("[0-9]{13}")


def check_numbers(*, gtins: Mapping[str, str], glns: Mapping[str, str]) -> None:
    """Refuse numbers that cannot be right: another article would be ordered, or from another place.

    Parameters
    ----------
    gtins
        Global trade item numbers of 8, 12, 13 or 14 digits by product.
    glns
        Global location numbers of 13 digits by whose they are; empty ones are not looked at.

    Raises
    ------
    ValueError
        Names every number of the wrong length, or whose check digit does not fit.

    Examples
    --------
    >>> check_numbers(gtins={"tea": "4012345678901"}, glns={"buyer": ""})
    >>> check_numbers(gtins={"tea": "4012345678902"}, glns={})
    Traceback (most recent call last):
    ValueError: the GTIN of tea is '4012345678902', whose check digit does not fit
    """
    faults = [
        *_faults("GTIN", _GTIN, gtins),
        *_faults("GLN", _GLN, {name: told for name, told in glns.items() if told}),
    ]
    if faults:
        raise ValueError("; ".join(faults[:5]))


def _faults(kind: str, pattern: re.Pattern[str], numbers: Mapping[str, object]) -> Iterator[str]:
    for name, told in numbers.items():
        where = f"the {kind} of {printable(name)} is {told!r}"
        if not isinstance(told, str):
            yield f"{where}: write it in quotes, or its zeros are lost"
        elif not pattern.fullmatch(told):
            yield f"{where}, which is not of {'13' if kind == 'GLN' else '8, 12, 13 or 14'} digits"
        elif not _fits(told):
            yield f"{where}, whose check digit does not fit"


def _fits(number: str) -> bool:
    """Digits from the right weigh 1, 3, 1, 3, ...; they add up to a multiple of ten."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(number))) % 10 == 0
