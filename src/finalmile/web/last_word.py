"""How a connection ends whose next request cannot be read: in its turn, after the answers to what came before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def refusal(status: str, why: str) -> bytes:
    """A whole answer that is its connection's last.

    Examples
    --------
    >>> refusal("400 Bad Request", "no").split()[-3:]
    [b'connection:', b'close', b'no']
    """
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {len(why.encode())}\r\n"
    return f"{head}connection: close\r\n\r\n{why}".encode()


class Deaf:
    """In a parser's place: reads nothing of what still comes."""

    def feed_data(self, data: bytes, /) -> None:
        """Drop it."""


@dataclass(frozen=True, slots=True)
class LastWord:
    """Stands in a connection's queue of requests, and is said when all before it are answered."""

    say: Callable[[], None]

    async def run_asgi(self, _app: object) -> None:
        """Say it; no application is asked."""
        self.say()
