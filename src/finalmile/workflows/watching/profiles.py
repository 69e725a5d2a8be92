"""The reference profile of a version: what its inputs were like, kept once and reused by every look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finalmile.errors import CorruptError
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.reference import Reference
from finalmile.monitoring.profile import OtherColumn, Profile
from finalmile.records import Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.rows import sample_of
from finalmile.workflows.watching.seen import state_key

NAME = "profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What checks take from a profile: types of columns in order, and what each was like."""

    schema: Mapping[str, str]
    references: Mapping[str, Reference]


def profiled(looks: Sequence[Look]) -> Profile:
    """The rows of all looks as one profile."""
    return Profile.of(sample_of(looks))


def read(shop: Shop, version: Version) -> Profile | None:
    """A version's profile; ``None`` where it has none, or one of another layout."""
    blob = shop.ledger.load_state(state_key(NAME, version))
    try:
        return None if blob is None else Profile.from_bytes(blob)
    except CorruptError:
        return None


def keep(shop: Shop, version: Version, profile: Profile) -> None:
    """Keep what a version's inputs were like."""
    shop.ledger.save_state(state_key(NAME, version), profile.to_bytes())


def known(profile: Profile) -> Known:
    """What checks take from it."""
    return Known(
        schema={column.name: column.dtype for column in profile.columns},
        references={c.name: c.reference() for c in profile.columns if not isinstance(c, OtherColumn)},
    )
