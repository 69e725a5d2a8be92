"""How asker and model talk over their socket: a fixed head, then bytes of numbers or of a table."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEAD = struct.Struct("<IBII")
MOST_BYTES = 1 << 30

READY, ROWS, SALES, FEATURES, ANSWER, TABLE, FAULT = range(1, 8)


class Frame(NamedTuple):
    """One message.

    Parameters
    ----------
    kind
        ``ROWS`` (a rows, b columns), ``SALES`` and ``FEATURES`` (a periods ahead) ask; ``ANSWER`` (a rows, b
        columns), ``TABLE``, ``FAULT`` (text) and ``READY`` (JSON) answer.
    """

    kind: int
    a: int = 0
    b: int = 0
    body: bytes = b""

    def packed(self) -> bytes:
        """As bytes.

        Examples
        --------
        >>> Frame(ROWS, 1, 2, bytes(16)).packed()[:13].hex()
        '10000000020100000002000000'
        """
        return HEAD.pack(len(self.body), self.kind, self.a, self.b) + self.body
