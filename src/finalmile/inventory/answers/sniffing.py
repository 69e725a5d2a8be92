"""Which format a file of answers is in."""

from __future__ import annotations


def format_of(content: bytes, /) -> str:
    """Registered name of the format, by how the file begins; ``answers_csv`` where nothing else fits.

    Examples
    --------
    >>> format_of(b"ISA*00*"), format_of(b"UNA:+.? '"), format_of(b"<?xml version='1.0'?>"), format_of(b"order_id,")
    ('x12_855', 'edifact_ordrsp', 'ubl_order_response', 'answers_csv')
    """
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"ISA"):
        return "x12_855"
    if start.startswith((b"UNA", b"UNB")):
        return "edifact_ordrsp"
    return "ubl_order_response" if start.startswith(b"<") else "answers_csv"
