"""Findings as JUnit XML, which every build server reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from finalmile.records import Finding

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(findings: Sequence[Finding], *, suite: str = "finalmile monitor") -> str:
    """One test for each finding: failed where breached, an error where its check failed, skipped where none could be.

    Examples
    --------
    >>> from datetime import date
    >>> told = Finding(check="loss", subject="fleet", at=date(2024, 3, 1), value=0.4, benchmark=0.3, breached=True,
    ...                why="worse by a third")
    >>> print(junit([told]))
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuite name="finalmile monitor" tests="1" failures="1" errors="0" skipped="0">
    <testcase classname="loss" name="fleet"><failure message="worse by a third"/></testcase>
    </testsuite>
    """
    failed = sum(one.breached for one in findings)
    errors, skipped = sum(_errors(one) for one in findings), sum(_skipped(one) for one in findings)
    counts = f'tests="{len(findings)}" failures="{failed}" errors="{errors}" skipped="{skipped}"'
    head = f"<testsuite name={_quoted(suite)} {counts}>"
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *map(_case, findings), "</testsuite>"])


def _case(told: Finding) -> str:
    name = f"<testcase classname={_quoted(told.check)} name={_quoted(told.subject)}"
    if told.breached:
        return f"{name}><failure message={_quoted(told.why)}/></testcase>"
    if _errors(told):
        return f"{name}><error message={_quoted(told.why)}/></testcase>"
    if _skipped(told):
        return f"{name}><skipped message={_quoted(told.why)}/></testcase>"
    return f"{name}><system-out>{escape(_clean(told.why))}</system-out></testcase>"


def _errors(told: Finding) -> bool:
    """Whether the check itself failed, which is not the same as having nothing to judge."""
    return told.subject == "check" and told.value is None and not told.breached


def _skipped(told: Finding) -> bool:
    return told.value is None and not told.breached and not _errors(told)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _quoted(text: str) -> str:
    return quoteattr(_clean(text))
