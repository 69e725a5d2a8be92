"""Which format a file of answers is in."""

from __future__ import annotations

import re


def format_of(content: bytes, /) -> str:
    """Registered name of the format, by how the file begins and, of messages, by the kind that it names first.

    ``answers_csv`` where nothing else fits.

    Examples
    --------
    >>> format_of(b"ISA*00*"), format_of(b"UNA:+.? '"), format_of(b"<?xml version='1.0'?>"), format_of(b"order_id,")
    ('x12_855', 'edifact_ordrsp', 'ubl_order_response', 'answers_csv')
    """
    head = content[:4096]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"ISA"):
        return "x12_856" if re.search(rb"\bST.856\b", head) else "x12_855"
    if start.startswith((b"UNA", b"UNB")):
        return "edifact_desadv" if re.search(rb"\bUNH.[^\r\n]{1,30}DESADV\b", head) else "edifact_ordrsp"
    return "ubl_order_response" if start.startswith(b"<") else "answers_csv"
