"""Text out of EPUB, DOCX, ODT and HTML: paragraphs as lines, headings as Markdown lines.

With the standard library. Scripts, styles, notes of the layout and tables of contents are left out.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree

_BREAKING = "p div br li tr section article blockquote h1 h2 h3 h4 h5 h6 dd dt pre hr table figure"
_UNSEEN = "script style head title nav template svg math rt rp"
_BLOCKS, _SILENT = frozenset(_BREAKING.split()), frozenset(_UNSEEN.split())
_HEADING = re.compile(r"h([1-6])")
# A declaration of entities is of no use in a novel, and a few lines of it fill any memory.
_ENTITIES = re.compile(rb"<!ENTITY", re.IGNORECASE)
_LARGEST_PART = 64_000_000  # bytes of one unpacked part


class _Paragraphs(HTMLParser):
    """Gathers lines while the parser reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._line: list[str] = []
        self._mark = ""
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        if tag in _BLOCKS:
            self.end_line()
        if match := _HEADING.fullmatch(tag):
            self._mark = "#" * int(match[1]) + " "

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]
        if tag in _BLOCKS:
            self.end_line()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line.append(data)

    def end_line(self) -> None:
        """Finish the paragraph that is being read."""
        text = re.sub(r"[ \t\r\n\f]+", " ", "".join(self._line)).strip(" ")
        if text:
            self.lines.append(self._mark + text)
        if text or not self._line:
            self._mark = ""
        self._line = []


def html_text(source: str) -> str:
    """The text of one HTML page."""
    parser = _Paragraphs()
    parser.feed(source)
    parser.close()
    parser.end_line()
    return "\n".join(parser.lines) + "\n" if parser.lines else ""


def epub_text(archive: zipfile.ZipFile) -> str:
    """The text of an EPUB, its parts in reading order, without its table of contents.

    Raises ValueError or KeyError when it has none.
    """
    names = archive.namelist()
    if "META-INF/encryption.xml" in names and any(n.endswith("rights.xml") for n in names):
        raise ValueError("it is locked by its shop (DRM)")
    return "".join(
        html_text(_part(archive, name).decode("utf-8", "replace")) for name in _spine(archive)
    )


def _spine(archive: zipfile.ZipFile) -> list[str]:
    """The names of the parts in reading order; all pages by name where the book does not say."""
    names = set(archive.namelist())
    pages = sorted(n for n in names if n.lower().endswith((".xhtml", ".html", ".htm")))
    package = next((n for n in sorted(names) if n.endswith(".opf")), "")
    if "META-INF/container.xml" in names:
        root = _xml(_part(archive, "META-INF/container.xml"))
        package = next(
            (e.get("full-path", "") for e in root.iter() if _tag(e) == "rootfile"), package
        )
    if package not in names:
        if not pages:
            raise ValueError("there is no page in it")
        return pages
    root = _xml(_part(archive, package))
    folder = posixpath.dirname(package)
    parts: dict[str, str] = {}
    for item in root.iter():
        if _tag(item) == "item" and "nav" not in item.get("properties", "").split():
            href = unquote(item.get("href", ""))
            parts[item.get("id", "")] = posixpath.normpath(posixpath.join(folder, href))
    order = [parts.get(e.get("idref", ""), "") for e in root.iter() if _tag(e) == "itemref"]
    found = [name for name in order if name in names] or pages
    if not found:
        raise ValueError("there is no page in it")
    return found


def docx_text(archive: zipfile.ZipFile) -> str:
    """The text of a Word document. Raises ValueError or KeyError when it has none."""
    headings = _heading_styles(archive)
    lines = []
    for paragraph in _xml(_part(archive, "word/document.xml")).iter():
        if _tag(paragraph) != "p":
            continue
        mark, said = "", []
        for element in paragraph.iter():
            name = _tag(element)
            if name == "pStyle":
                mark = headings.get(_value(element), "")
            elif name == "t":
                said.append(element.text or "")
            elif name in ("tab", "br"):
                said.append(" " if name == "tab" else "\n")
        text = "".join(said).strip()
        lines.append(mark + text if text else "")
    return "\n".join(lines) + "\n"


def _heading_styles(archive: zipfile.ZipFile) -> dict[str, str]:
    """Style id → Markdown mark, for the styles that are named heading 1, 2 …"""
    found = {f"Heading{level}": "#" * level + " " for level in range(1, 7)}
    if "word/styles.xml" in archive.namelist():
        for style in _xml(_part(archive, "word/styles.xml")).iter():
            if _tag(style) != "style":
                continue
            named = next((_value(e) for e in style.iter() if _tag(e) == "name"), "")
            match = re.fullmatch(r"(?:heading|标题|標題) ?([1-6])", named, re.IGNORECASE)
            identity = next((v for k, v in style.attrib.items() if k.endswith("styleId")), "")
            if match:
                found[identity] = "#" * int(match[1]) + " "
    return found


def odt_text(archive: zipfile.ZipFile) -> str:
    """The text of an OpenDocument file. Raises ValueError or KeyError when it has none."""
    lines = []
    for element in _xml(_part(archive, "content.xml")).iter():
        if _tag(element) in ("p", "h"):
            text = "".join(element.itertext()).strip()
            lines.append(f"# {text}" if _tag(element) == "h" and text else text)
    return "\n".join(lines) + "\n"


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _LARGEST_PART:
        raise ValueError(f"{name} in it is too large")
    return archive.read(name)


def _xml(data: bytes) -> ElementTree.Element:
    if _ENTITIES.search(data):
        raise ValueError("it declares entities")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as problem:
        raise ValueError(str(problem)) from None


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _value(element: ElementTree.Element) -> str:
    return next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == "val"), "")
