"""Read XML without what makes it dangerous: no document type, so no entities; bounded depth. Pure.

Every element knows the line that it began in, for whoever has to find a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from reconciliation.others import BYTES_MAX, BadStatement

DEPTH_MAX: Final = 32
ELEMENTS_MAX: Final = 2_000_000
TEXT_MAX: Final = 4_000
"""Of one element, in characters: far more than any value of the messages that we read."""


@dataclass(slots=True)
class Element:
    """One element by its name without the namespace, its own text and what is in it."""

    name: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    inner: list[Element] = field(default_factory=list)

    def all(self, path: str) -> Iterator[Element]:
        """Yield what lies along a path such as `Acct/Id/IBAN`."""
        name, _, rest = path.partition("/")
        for each in self.inner:
            if each.name == name:
                if rest:
                    yield from each.all(rest)
                else:
                    yield each

    def first(self, *paths: str) -> Element | None:
        """Return the first that lies along the first of these paths where there is one."""
        return next((each for path in paths for each in self.all(path)), None)

    def value(self, *paths: str) -> str:
        found = self.first(*paths)
        return found.text.strip() if found is not None else ""


class _Building:
    """The elements of a file on its way in."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._say
        self.open: list[Element] = []
        self.root: Element | None = None
        self.count = 0

    @property
    def line(self) -> int:
        return self.parser.CurrentLineNumber

    def _refuse(self, *_: object) -> None:
        raise BadStatement("unsafe_xml", "No document type is taken.", line=self.line)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if len(self.open) >= DEPTH_MAX or self.count > ELEMENTS_MAX:
            raise BadStatement("too_large", "There is too much in it.", line=self.line)
        element = Element(name.rpartition(" ")[2], self.line, attributes)
        if self.open:
            self.open[-1].inner.append(element)
        else:
            self.root = element
        self.open.append(element)

    def _end(self, _: str) -> None:
        self.open.pop()

    def _say(self, said: str) -> None:
        element = self.open[-1]
        if element.inner and not said.strip():
            return  # what only sets its parts apart
        element.text += said
        if len(element.text) > TEXT_MAX:
            raise BadStatement("too_long", f"{element.name} is too long.", line=element.line)


def read(content: bytes) -> Element:
    """Return the root of a document. Raises BadStatement."""
    if len(content) > BYTES_MAX:
        raise BadStatement("too_large", f"The file is larger than {BYTES_MAX // 2**20} MB.")
    building = _Building()
    try:
        building.parser.Parse(content, True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        raise BadStatement("bad_xml", f"It is no XML: {said}.", line=error.lineno) from None
    except (ValueError, LookupError) as error:
        if isinstance(error, BadStatement):
            raise
        raise BadStatement("bad_xml", "Its encoding is not known.", line=1) from None
    if building.root is None:
        raise BadStatement("bad_xml", "There is nothing in it.", line=1)
    return building.root
