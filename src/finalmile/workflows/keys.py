"""Keys: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import get_args

from finalmile.errors import ConfigError, UnknownNameError
from finalmile.ports import Ledger
from finalmile.records import ApiKey, Json, Role

ROLES: tuple[Role, ...] = get_args(Role)
_PREFIX_BYTES, _SECRET_BYTES = 6, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made; the only time that its secret is seen."""

    key: ApiKey
    secret: str
    breached: bool = False

    def lines(self) -> list[str]:
        """The key, and what it is for."""
        return [
            self.secret,
            f"This is the only time that it is shown: a {self.key.role} key for {self.key.name!r}{_until(self.key)}.",
            "Send it as a header: Authorization: Bearer KEY",
        ]

    def to_dict(self) -> Json:
        """The key under ``key``, and what is kept of it."""
        return {"key": self.secret, **_told(self.key)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What is kept of every key."""

    rows: Sequence[ApiKey]
    now: datetime
    breached: bool = False

    def lines(self) -> list[str]:
        """One line a key."""
        if not self.rows:
            return ["No key yet. Make one with: finalmile keys create NAME --role operator"]
        return [
            f"{key.prefix:16} {key.role:8} {_state(key, self.now):8} {key.name}"
            f"{_only(key)}{_until(key)}; last used {_day(key.last_used_at)}"
            for key in self.rows
        ]

    def to_dict(self) -> Json:
        """Keys under ``keys``, without secret or hash."""
        return {"keys": [{**_told(key), "state": _state(key, self.now)} for key in self.rows]}


def create(
    ledger: Ledger,
    name: str,
    *,
    role: str,
    now: datetime,
    actor: str,
    lasts: timedelta | None = None,
    models: Sequence[str] = (),
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> NewKey:
    """A new key, ``prefix.secret``; the ledger keeps the prefix and the sha256 of the secret.

    Parameters
    ----------
    lasts
        How long it opens anything; for ever by default.
    models
        Models it reaches; every one by default.

    Raises
    ------
    UnknownNameError
        For a role that there is not.
    ConfigError
        Without a name, or with that of a key that is in force: nobody could tell the two apart.
    """
    if role not in ROLES:
        raise UnknownNameError("role", role, ROLES)
    if not name.strip():
        raise ConfigError("keys create", ["a key needs a name that says who holds it, as in: keys create till-42"])
    _check_free(ledger.keys(), name.strip(), now)
    prefix = f"fm_{random(_PREFIX_BYTES).hex()}"
    secret = random(_SECRET_BYTES).hex()
    key = ApiKey(
        prefix=prefix,
        sha256=hashlib.sha256(secret.encode()).hexdigest(),
        role=role,
        name=name.strip(),
        created_at=now,
        models=tuple(models),
        expires_at=None if lasts is None else now + lasts,
    )
    ledger.add_key(key, actor=actor)
    return NewKey(key=key, secret=f"{prefix}.{secret}")


def _check_free(held: Sequence[ApiKey], name: str, now: datetime) -> None:
    for key in held:
        if key.name == name and key.usable(now):
            mend = f"take another name, or end that one first: finalmile keys revoke {key.prefix}"
            raise ConfigError("keys create", [f"a {key.role} key for {name!r} is in force; {mend}"])


def revoke(ledger: Ledger, prefix: str, *, now: datetime, actor: str) -> Keys:
    """End a key at once. The whole key may be given too; only its prefix is looked at."""
    return Keys(rows=(ledger.revoke_key(prefix.partition(".")[0], at=now, actor=actor),), now=now)


def _told(key: ApiKey) -> dict[str, object]:
    return {name: value for name, value in asdict(key).items() if name != "sha256"}


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "usable" if key.usable(now) else "expired"


def _until(key: ApiKey) -> str:
    return "" if key.expires_at is None else f", until {_day(key.expires_at)}"


def _only(key: ApiKey) -> str:
    return f", only {', '.join(key.models)}" if key.models else ""


def _day(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
