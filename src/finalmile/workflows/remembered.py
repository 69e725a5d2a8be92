"""Small things that are remembered as JSON, and nothing where they cannot be read: they are learned again."""

from __future__ import annotations

from typing import Any, cast

import orjson

from finalmile.ports import Ledger


def remembered(ledger: Ledger, key: str) -> dict[str, Any]:
    """The JSON object under a key; an empty one where there is none, or what is there is damaged.

    A state that stops the work which would write it anew would stop it for ever.
    """
    blob = ledger.load_state(key)
    try:
        told: object = {} if blob is None else orjson.loads(blob)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}
