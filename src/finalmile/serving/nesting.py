"""How deep JSON nests, told before it is parsed: parsers and their readers go as deep as it does."""

from __future__ import annotations

import re

import numpy as np

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive: a string without an end is read once
_STEP = np.zeros(256, dtype=np.int8)
_STEP[[ord("["), ord("{")]] = 1
_STEP[[ord("]"), ord("}")]] = -1


def depth_of(body: bytes, /) -> int:
    """How deep brackets nest outside of strings.

    Examples
    --------
    >>> depth_of(b'{"a": [1, "]]]["]}')
    2
    """
    plain = _STRINGS.sub(b"", body)
    return int(_STEP[np.frombuffer(plain, dtype=np.uint8)].cumsum(dtype=np.int64).max(initial=0))
