"""The anchors and meta elements of an HTML page of the Simple API, as lenient as the clients that read such pages."""

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field


class Anchor(Struct, frozen=True):
    """`text` is without the white space around it; attribute names are in lower case, values unescaped."""

    href: str
    text: str
    attributes: dict[str, str]


class HtmlPage(Struct):
    has_doctype: bool = False
    base: str | None = None
    anchors: list[Anchor] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)


def read(body: bytes) -> HtmlPage:
    """Whatever of the page can be read; never raises. Bytes that are not UTF-8 become replacement characters."""
    parser = _Parser()
    parser.feed(body.decode("utf-8", errors="replace"))
    parser.close()
    return parser.page


def last_segment(href: str) -> str:
    """The filename a URL ends in, unquoted; empty for what is no URL."""
    try:
        return unquote(urlsplit(href).path.rpartition("/")[2])
    except ValueError:
        return ""


def hash_of(text: str) -> dict[str, str]:
    """`sha256=<hex>`, as in a link's fragment or `data-core-metadata`; empty for anything else, such as "true"."""
    name, separator, digest = text.partition("&")[0].partition("=")
    return {name.lower(): digest.lower()} if separator and name.isalnum() and digest.isalnum() else {}


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = HtmlPage()
        self._open: dict[str, str] | None = None
        self._text: list[str] = []

    def handle_decl(self, decl: str) -> None:
        if decl.lower().split() == ["doctype", "html"] and not self.page.anchors:
            self.page.has_doctype = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._finish()
            self._open, self._text = attributes, []
        elif tag == "base" and self.page.base is None:
            self.page.base = attributes.get("href")
        elif tag == "meta" and "name" in attributes:
            self.page.meta.setdefault(attributes["name"].lower(), attributes.get("content", ""))

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._finish()

    def close(self) -> None:
        super().close()
        self._finish()

    def _finish(self) -> None:
        if self._open is not None and "href" in self._open:
            self.page.anchors.append(Anchor(self._open["href"].strip(), "".join(self._text).strip(), self._open))
        self._open = None
