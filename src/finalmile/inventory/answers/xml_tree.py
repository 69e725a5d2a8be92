"""XML from elsewhere: no document types, no entities, nothing fetched; each element with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from finalmile.errors import SchemaError, printable
from finalmile.inventory.answers.text import MOST_PARTS, decoded

_DEEPEST = 50


@dataclass(slots=True)
class Element:
    """An element: its name without the prefix, its namespace, its text, what is in it, where it begins."""

    name: str
    space: str
    line: int
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    parts: list[Element] = field(default_factory=list["Element"])
    texts: list[str] = field(default_factory=list[str])

    @property
    def place(self) -> str:
        """As messages name it."""
        return f"element {printable(self.name[:40])}, line {self.line}"

    @property
    def text(self) -> str:
        """Its own text."""
        return "".join(self.texts).strip()

    def all(self, path: str) -> Iterator[Element]:
        """Elements at a path of names."""
        name, _, rest = path.partition("/")
        for part in self.parts:
            if part.name == name:
                yield from part.all(rest) if rest else (part,)

    def first(self, path: str) -> Element | None:
        """The first of them."""
        return next(self.all(path), None)

    def said(self, path: str) -> str:
        """Text of the first of them; empty where there is none."""
        found = self.first(path)
        return "" if found is None else found.text


def parsed(content: bytes, /, *, name: str) -> Element:
    """The root of a UTF-8 document.

    Raises
    ------
    SchemaError
        Where it is not well formed, cut short, nested too deeply, in another encoding, or declares a document type:
        entities of those can make a small file fill the memory, or fetch another one.
    """
    text = decoded(content, name=name)
    tree = _Tree(name)
    try:
        tree.parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        what = expat.errors.messages.get(error.code, "is not XML")
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise SchemaError(name, [f"{place}: {what}; ask for the file again"]) from None
    assert tree.root is not None
    return tree.root


class _Tree:
    """Elements as the parser finds them."""

    def __init__(self, name: str) -> None:
        self.root: Element | None = None
        self._name = name
        self._open: list[Element] = []
        self._count = 0
        self.parser = expat.ParserCreate("utf-8", namespace_separator="\n")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, doctype: str, system: str | None, public: str | None, internal: bool) -> None:
        del doctype, system, public, internal
        line = self.parser.CurrentLineNumber
        raise SchemaError(self._name, [f"line {line}: declares a document type (DOCTYPE); answers have none"])

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition("\n")
        element = Element(local, space, self.parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].parts.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._count += 1
        if self._count > MOST_PARTS:
            raise SchemaError(self._name, [f"{element.place}: there are more than {MOST_PARTS:,} elements"])
        if len(self._open) > _DEEPEST:
            raise SchemaError(self._name, [f"{element.place}: is nested more than {_DEEPEST} deep"])

    def _end(self, name: str) -> None:
        del name
        self._open.pop()

    def _text(self, data: str) -> None:
        if self._open:
            self._open[-1].texts.append(data)
