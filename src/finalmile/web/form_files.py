"""Forms that carry a file, as browsers send them: multipart/form-data of RFC 7578."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException

_BOUNDARY = re.compile(r"""multipart/form-data\s*;.*\bboundary=("?)([A-Za-z0-9'()+_,./:=? -]{1,70})\1\s*(;|$)""", re.I)
_NAME = re.compile(r"""(?:^|[;\s])name="([^"]*)\"""")
_FILE_NAME = re.compile(r"""(?:^|[;\s])filename="([^"]*)\"""")
MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class Part:
    """One field: its content, and the name of the file where it is one."""

    content: bytes
    file_name: str = ""


def fields_of(body: bytes, content_type: str) -> Mapping[str, Part]:
    r"""Fields of a form by name; of two of one name, the first.

    Raises
    ------
    HTTPException
        415 where it is no such form, 422 where it is cut short or has too many fields.

    Examples
    --------
    >>> field = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b.csv"\r\n\r\n1\r\n--x--\r\n'
    >>> fields_of(field, "multipart/form-data; boundary=x")["a"]
    Part(content=b'1', file_name='b.csv')
    """
    told = _BOUNDARY.match(content_type.strip())
    if told is None:
        raise HTTPException(415, "A form with a file is sent as multipart/form-data.")
    mark = b"--" + told[2].strip().encode()
    _, *pieces = (b"\r\n" + body).split(b"\r\n" + mark, MOST_PARTS + 2)
    if len(pieces) > MOST_PARTS + 1:
        raise HTTPException(422, f"The form has more than {MOST_PARTS} fields.")
    if not pieces or not pieces[-1].startswith(b"--"):
        raise HTTPException(422, "The form is cut short. Send it again.")
    fields: dict[str, Part] = {}
    for piece in pieces[:-1]:
        head, parted, content = piece.partition(b"\r\n\r\n")
        named = _NAME.search(head.decode("utf-8", "replace"))
        if not parted or named is None:
            raise HTTPException(422, "A field of the form has no name.")
        file = _FILE_NAME.search(head.decode("utf-8", "replace"))
        fields.setdefault(named[1], Part(content, "" if file is None else file[1]))
    return fields
