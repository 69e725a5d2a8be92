"""Bodies within their bounds."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from finalmile.web.bodies import depth_of

_JSON = st.recursive(st.text() | st.integers(0, 9), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def _depth(told: object) -> int:
    if isinstance(told, dict):
        return 1 + max(map(_depth, told.values()), default=0)
    return 1 + max(map(_depth, told), default=0) if isinstance(told, list) else 0


@given(told=_JSON)
def test_the_depth_of_a_body_is_that_of_its_brackets_outside_of_strings(told: object) -> None:
    assert depth_of(orjson.dumps(told)) == _depth(told)


def test_a_string_that_never_ends_is_read_once_and_not_once_for_each_of_its_quotes() -> None:
    """Six megabytes; twenty thousand take seconds where every escaped quote begins the search again."""
    assert depth_of(b"[" * 21 + b'"' + b'\\"' * 3_000_000) == 21
