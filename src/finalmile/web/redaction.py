"""Keys never stand in a log, an error or the audit trail, whoever put them where they do not belong."""

from __future__ import annotations

import logging
import re

_KEY = re.compile(r"(fm_[0-9a-zA-Z]{2,32})(?:\.|%2[eE])[0-9a-zA-Z_-]{8,}")
_HEADER = re.compile(r"(?i)((?:authorization|x-api-key)['\"]?\s*[:=,]\s*(?:b?['\"])?(?:bearer\s+)?)[^\s'\",)]+")


def redacted(text: str) -> str:
    """The text with the secret part of every key taken out.

    Examples
    --------
    >>> redacted("no route /v1/fm_ab12.0123456789abcdef")
    'no route /v1/fm_ab12.***'
    >>> redacted("authorization: Bearer hunter2")
    'authorization: Bearer ***'
    """
    return _HEADER.sub(r"\1***", _KEY.sub(r"\1.***", text))


class Redacting(logging.Formatter):
    """Formats log records without the secrets in them, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return redacted(super().format(record))
