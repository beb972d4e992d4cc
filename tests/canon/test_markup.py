"""Novels in EPUB, DOCX, ODT and HTML."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from canon import read_book
from canon.error import BookUnreadable
from canon.markup import html_text

PAGE = (
    "<html><head><title>x</title><style>p{}</style></head><body><h1>第{n}章　夜渡</h1>"
    "<p>阿青道：“桥<ruby>还<rt>hai</rt></ruby>在么？”</p><p>石伯&nbsp;道：“水大。”<br/>他走了。</p>"
    "<script>alert('第九章')</script></body></html>"
)


def zipped(path: Path, files: dict[str, str]) -> Path:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.write_bytes(held.getvalue())
    return path


def page(n: str) -> str:
    return PAGE.replace("{n}", n)


OPF = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf"><manifest>
<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>
<item id="b" href="z%20first.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="a-second.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine><itemref idref="nav"/><itemref idref="b"/><itemref idref="a"/></spine></package>"""
CONTAINER = """<?xml version="1.0"?><container
xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>"""
EPUB = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/content.opf": OPF,
    "OEBPS/nav.xhtml": "<html><body><nav><h2>目录</h2><p>第一章</p></nav></body></html>",
    "OEBPS/z first.xhtml": page("一"),
    "OEBPS/a-second.xhtml": page("二"),
}


def test_an_epub_is_read_in_its_own_order(tmp_path: Path) -> None:
    book = read_book(zipped(tmp_path / "n.epub", EPUB))
    assert [section.heading for section in book.sections] == ["第一章　夜渡", "第二章　夜渡"]
    assert "阿青道：“桥还在么？”" in book.sections[0].text
    assert "第九章" not in "".join(section.text for section in book.sections)


def test_an_epub_that_does_not_say_its_order_is_read_by_name(tmp_path: Path) -> None:
    files = {"mimetype": "application/epub+zip", "OEBPS/c1.xhtml": page("一")}
    assert len(read_book(zipped(tmp_path / "n.epub", files)).sections) == 1


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"mimetype": "application/epub+zip"}, "no page"),
        ({**EPUB, "OEBPS/content.opf": "<package>"}, "cannot be read"),
        ({**EPUB, "OEBPS/content.opf": '<!DOCTYPE p [<!ENTITY a "b">]><p/>'}, "entities"),
        ({**EPUB, "META-INF/encryption.xml": "<e/>", "META-INF/rights.xml": "<r/>"}, "DRM"),
    ],
)
def test_an_epub_that_cannot_be_read_says_so(
    files: dict[str, str], why: str, tmp_path: Path
) -> None:
    with pytest.raises(BookUnreadable, match=why) as refused:
        read_book(zipped(tmp_path / "n.epub", files))
    assert "EPUB" in str(refused.value)


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def paragraph(text: str, style: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{styled}<w:r><w:t>{text}</w:t></w:r></w:p>"


def test_a_word_document_is_read_with_its_headings(tmp_path: Path) -> None:
    body = "".join(
        paragraph(title, "ae") + paragraph("阿青道：“桥还在么？”") for title in ("夜渡", "天亮")
    )
    styles = (
        f'<w:styles {W}><w:style w:styleId="ae"><w:name w:val="heading 1"/></w:style></w:styles>'
    )
    files = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": styles,
    }
    book = read_book(zipped(tmp_path / "n.docx", files))
    assert [section.heading for section in book.sections] == ["夜渡", "天亮"]


def test_an_open_document_is_read_with_its_headings(tmp_path: Path) -> None:
    space = 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    body = "".join(f"<text:h>{t}</text:h><text:p>他道：“走。”</text:p>" for t in ("夜渡", "天亮"))
    files = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f"<d {space}>{body}</d>",
    }
    book = read_book(zipped(tmp_path / "n.odt", files))
    assert [section.heading for section in book.sections] == ["夜渡", "天亮"]


def test_a_web_page_is_read_in_its_encoding(tmp_path: Path) -> None:
    source = "<!DOCTYPE html>" + page("一").replace("</body></html>", "") + page("二")[12:]
    (tmp_path / "n.html").write_bytes(source.encode("gb18030"))
    assert [section.number for section in read_book(tmp_path / "n.html").sections] == [1, 2]


def test_nothing_is_nothing() -> None:
    assert html_text("") == ""
    assert html_text("<p> </p>") == ""
