"""Names are found among sorted names, however many there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.frames import rows
from finalmile.frames.rows import rows_in

NAMES = st.lists(st.text(min_size=1, max_size=2), max_size=8)


@pytest.mark.parametrize("many", [0, 1000])
@given(ids=NAMES, wanted=NAMES)
def test_each_name_stands_where_a_search_finds_it(many, ids, wanted):
    known = np.array(sorted(set(ids)), dtype=object)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_MANY", many)
        found = rows_in(known, np.array(wanted, dtype=object))
    assert found.tolist() == [known.tolist().index(name) if name in known.tolist() else -1 for name in wanted]
