"""A logged prediction as one line of JSON: what was asked, what answered, and with what; and the ids it goes by.

Nothing but the standard library and orjson is needed here: this runs on the path of every request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from finalmile.errors import CorruptError

Role = Literal["live", "canary", "arm", "fallback", "shadow", "previous"]
ANSWERED: tuple[Role, ...] = ("live", "canary", "arm", "fallback")
"""Roles whose answer went to a caller; the others were computed from the log."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One answer for one id (or one row of features), over one or several periods.

    Parameters
    ----------
    prediction_id
        :func:`keyed_id` where the caller gave an idempotency key, :func:`fresh_id` otherwise.
    endpoint
        The route that was called.
    role
        Why this version answered.
    unique_id
        ``None`` where a caller gave features and no id.
    cutoff
        Newest period known to the features or to the table they were looked up in, ISO text.
    ds
        Periods that were forecast, ISO text or ``None`` each, as many as ``mean`` has.
    features
        What the model saw, in the order of its signature; ``None`` stands for a missing value. ``None`` as a whole
        where the answer itself was looked up.
    given
        Whether the caller gave the features; they were looked up otherwise.
    levels, quantiles
        Levels, and for each of them as many values as ``mean`` has.
    windows
        Demand over cumulative windows where it was asked for: plain values, kept as JSON.
    latency_us
        From the first byte of the request to the answer being ready, without the log.
    outcome
        ``"ok"``, or what kept the version from answering.
    issued_at
        Microseconds since 1970, UTC.
    fallback
        Why another version answered than the route says; empty where none did.
    key
        Digest of the idempotency key, ``None`` without one.
    parent
        The logged prediction that was scored again.
    """

    prediction_id: str
    request_id: str
    endpoint: str
    model: str
    version: int
    role: str
    issued_at: int
    mean: Sequence[float | None]
    ds: Sequence[str | None]
    unique_id: str | None = None
    cutoff: str | None = None
    features: Sequence[float | None] | None = None
    given: bool = True
    levels: Sequence[float] = ()
    quantiles: Sequence[Sequence[float | None]] = ()
    windows: object = None
    latency_us: int = 0
    outcome: str = "ok"
    fallback: str = ""
    key: str | None = None
    parent: str | None = None

    def __post_init__(self) -> None:
        wide = len(self.mean)
        if (
            len(self.ds) != wide
            or len(self.quantiles) != len(self.levels)
            or any(len(q) != wide for q in self.quantiles)
        ):
            raise ValueError(
                f"prediction {self.prediction_id}: mean has {wide} periods; ds and each of the {len(self.levels)} "
                f"quantiles must have as many, and there are {len(self.ds)} and {[len(q) for q in self.quantiles]}"
            )

    def to_json(self) -> bytes:
        r"""One line of JSON; NaN and infinities become null, control characters are escaped.

        Examples
        --------
        >>> line = Prediction(prediction_id="a", request_id="r", endpoint="predict", model="demand", version=3,
        ...                   role="live", issued_at=0, mean=(2.5,), ds=("2024-03-01",), unique_id="milk\n").to_json()
        >>> b"\n" in line, Prediction.from_json(line).mean
        (False, [2.5])
        """
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, line: bytes, /) -> Prediction:
        """What :meth:`to_json` wrote; fields that are not known here are left out.

        Raises
        ------
        CorruptError
            Where the line is no prediction.
        """
        try:
            told: Mapping[str, Any] = orjson.loads(line)
            return cls(**{name: told[name] for name in _NAMES if name in told})
        except (orjson.JSONDecodeError, TypeError, ValueError) as error:
            raise CorruptError(f"this is no logged prediction ({error}): {line[:200]!r}") from error

    @property
    def at(self) -> datetime:
        """When it was issued."""
        return _EPOCH + timedelta(microseconds=self.issued_at)


_NAMES = tuple(field.name for field in fields(Prediction))


def head(told: Mapping[str, object], /) -> bytes:
    """The fields that every prediction of an endpoint and version shares, made once: the start of :func:`line`.

    Parameters
    ----------
    told
        Fields of :class:`Prediction` by name, at least one.
    """
    return orjson.dumps(told)[:-1] + b","


def line(start: bytes, told: Mapping[str, object], /) -> bytes:
    """What :meth:`Prediction.to_json` would write, in a fifth of its time and unchecked: for the path of requests.

    Parameters
    ----------
    start
        From :func:`head`.
    told
        The other fields by name, at least one; those with a default may be left out.

    Examples
    --------
    >>> start = head({"endpoint": "predict", "model": "demand", "version": 3, "role": "live"})
    >>> told = line(start, {"prediction_id": "a", "request_id": "r", "issued_at": 0, "mean": [2.5], "ds": [None]})
    >>> Prediction.from_json(told).version
    3
    """
    return start + orjson.dumps(told)[1:]


def key_digest(key: str, *, scope: str, body: bytes = b"") -> str:
    """What stands for an idempotency key in the log: 32 hexadecimal digits, never the key itself.

    Parameters
    ----------
    scope
        Whose key it is and for what, for example the prefix of the API key and the path: the same key means the same
        request only there.
    body
        What was asked, byte for byte: another body is another request, whatever key it carries, so that no answer is
        left out of the log because a caller used a key twice.

    Examples
    --------
    >>> first, again, other = (key_digest("order-7", scope="fm_ab", body=body) for body in (b"1", b"1", b"2"))
    >>> first == again, first == other
    (True, False)
    """
    told = f"{len(scope)}:{scope}{len(key)}:{key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told + body, digest_size=16).hexdigest()


def keyed_id(digest: str, row: int) -> str:
    """Id of one row of a request with an idempotency key: the same again for the same request.

    Examples
    --------
    >>> keyed_id("00" * 16, 7)
    '00000000000000000000000000000000-7'
    """
    return f"{digest}-{row}"


def fresh_id(at_us: int, chance: bytes) -> str:
    """A new id that sorts by time: milliseconds since 1970 in 12 hexadecimal digits, then 20 of chance.

    Parameters
    ----------
    chance
        Ten random bytes.

    Examples
    --------
    >>> fresh_id(1_700_000_000_000_000, bytes(10))
    '018bcfe5680000000000000000000000'
    """
    return f"{at_us // 1000:012x}{chance.hex()}"


def scored_again_id(parent: str, *, version: int, role: str) -> str:
    """Id of a logged prediction scored again by another version: the same again for the same three."""
    return hashlib.blake2b(f"{version}:{role}:{parent}".encode(), digest_size=16).hexdigest()
