"""What a first line of CSV is: names, or the first record."""

from __future__ import annotations

import pytest

from finalmile.serving.board import Limits
from finalmile.serving.signature import Feature
from finalmile.web.replies import RefusedError
from finalmile.web.tables import read_rows

KINDS = (Feature(name="price"), Feature(name="colour", kind="category", categories=("red", "blue")))


def test_a_category_in_the_first_row_makes_it_no_header() -> None:
    rows, named = read_rows(b"2.5,red\n,blue\n", KINDS, Limits(), header="")
    assert not named
    assert [told for _, told, _ in rows] == [
        {"features": {"price": 2.5, "colour": "red"}},
        {"features": {"price": None, "colour": "blue"}},
    ]


def test_a_model_that_is_looked_up_takes_one_id_a_row_without_a_header() -> None:
    rows, named = read_rows(b"milk\nunique_id\n", (), Limits(), header="")
    assert not named
    assert [told for _, told, _ in rows] == [{"unique_id": "milk"}, {"unique_id": "unique_id"}]


def test_a_header_with_thousands_of_names_too_many_is_told_the_first_of_them() -> None:
    body = ",".join(f"x{at}" for at in range(5000)).encode() + b"\n1\n"
    with pytest.raises(RefusedError, match=r"and 4995 more.*price,colour") as refused:
        read_rows(body, KINDS, Limits(), header="")
    assert refused.value.status == 400
    assert len(refused.value.message) < 1000


def test_an_empty_body_has_no_rows() -> None:
    assert read_rows(b"", KINDS, Limits(), header="") == ([], False)
