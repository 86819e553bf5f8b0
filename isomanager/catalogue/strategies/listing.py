"""Directory listings of any server: what counts are the addresses behind the links, never the text of the links.

Read with an HTML parser, because the dialects differ in quotes, case, entities, line ends and what stands before `<!DOCTYPE>`:
Apache (also minified, without quotes), nginx, fancyindex, h5ai, lighttpd, Caddy, IIS, Cloudflare-style pages, and pages written by
hand; `<base href>` counts. Servers that list in data are read too (`listing_data`): JSON, and XML as S3 writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

from isomanager.catalogue.metalink import is_metalink
from isomanager.catalogue.strategies import listing_data
from isomanager.catalogue.strategies.candidate import Candidate, clean_name
from isomanager.errors import FetchRefused

_MOST_LINKS = 100_000
_DOWNLOAD_PAGE = "/download"
"""SourceForge links a file by the page that downloads it."""
_SIGNS_OF_A_LISTING = (
    "index of",
    "directory listing",
    "listing of",
    "parent directory",
    'href="../"',
    "href='../'",
    "href=../",
    'href=".."',
    'href="./"',
    "?c=n",
    "&amp;o=",
    "?sort=",
    "h5ai",
    "served with <a",
)


@dataclass(frozen=True)
class Link:
    """An entry of a listing: its last segment, its address, and whether the listing marks it as a directory."""

    name: str
    url: str
    is_directory: bool


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hrefs: list[str] = []
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "base" and not self.base:
            self.base = dict(attrs).get("href") or ""
        if tag == "a" and len(self.hrefs) < _MOST_LINKS:
            self.hrefs.extend(value for name, value in attrs if name == "href" and value)


def _hrefs(text: str, url: str = "") -> tuple[str, ...]:
    """The addresses that a listing links, as it writes them, or absolute where the page says what they are relative to."""
    if listing_data.is_data(text):
        return listing_data.addresses(text, url)
    anchors = _Anchors()
    anchors.feed(text)
    anchors.close()
    hrefs = (href.strip() for href in anchors.hrefs)
    if not anchors.base:
        return tuple(hrefs)
    return tuple(href if href.startswith(("?", "#")) else joined(anchors.base, href) for href in hrefs)


def joined(base: str, href: str) -> str:
    """`href` as an address, where `base` is what it is relative to; "" for what is none."""
    try:
        return urljoin(base, href)
    except ValueError:  # "http://["
        return ""


def _info_hashes(text: str) -> dict[str, str]:
    """The info hashes that a page's magnet links give, by the name of the file (BEP 9: `xt=urn:btih:`, `dn=`)."""
    if "magnet:" not in text:
        return {}
    told = (parse_qs(href.partition("?")[2]) for href in _hrefs(text) if href.startswith("magnet:?"))
    return {
        one["dn"][0]: one["xt"][0].rpartition(":")[2].lower()
        for one in told
        if "dn" in one and one.get("xt", [""])[0].startswith("urn:btih:")
    }


def links(text: str, url: str, *, hosts: tuple[str, ...] = ()) -> tuple[Link, ...]:
    """The entries of the listing at `url`, in its order, each once: without sort links, parents, sites other than its own and
    `hosts`, unsafe names.

    Raises FetchRefused: code="html-instead" for a page without any entry that is no listing either, "bad-data" for a listing that
    is not whole.
    """
    if listing_data.is_cut_short(text):
        raise _cut_short(url)
    found = dict.fromkeys(link for href in _hrefs(text, url) if (link := _link(href, url, hosts)) is not None)
    if not found and not is_listing(text):
        raise no_listing(url)
    return tuple(found)


def is_listing(text: str) -> bool:
    """Whether a page says of itself that it is a listing. Where nothing matches, this tells an empty place from a captive
    portal or a "not found" sent as 200, which must never be taken for "no versions".
    """
    beginning = text[:50_000].lower()
    return listing_data.is_listing(text) or any(sign in beginning for sign in _SIGNS_OF_A_LISTING)


def no_listing(url: str) -> FetchRefused:
    """The error for a page that was expected to list something and does not."""
    return FetchRefused(
        f"{url} gave a page that is no listing.",
        code="html-instead",
        hint="A captive portal, a proxy's message or a changed site answers so; open the address in a browser.",
        url=url,
    )


def _cut_short(url: str) -> FetchRefused:
    return FetchRefused(
        f"{url} lists only a part of what there is, and says so.",
        code="bad-data",
        hint="The newest may stand on the next page; ask for a narrower place (prefix=, delimiter=/).",
        url=url,
    )


def looks_like_html(text: str) -> bool:
    """Whether a text that should be a checksum document or data is a web page."""
    beginning = text.lstrip("\ufeff \t\r\n")[:200].lower()
    signs = ("<!doctype", "<html", "<head", "<body", "<?xml", "<script")
    return beginning.startswith(signs) and not is_metalink(text)


def candidates(text: str, url: str, *, hosts: tuple[str, ...] = ()) -> tuple[Candidate, ...]:
    """The files of the listing at `url`, and those that it links on the sites `hosts`. A file of which only the torrent is
    there is marked `torrent_only`; a magnet link gives the info hash of the file it names.
    """
    hashes = _info_hashes(text)
    found = [link for link in links(text, url, hosts=hosts) if not link.is_directory]
    torrents = {link.name.removesuffix(".torrent"): link.url for link in found if link.name.endswith(".torrent")}
    files = {link.name: link for link in found if not link.name.endswith(".torrent")}
    present = [
        Candidate(name, link.url, torrent=torrents.get(name, ""), info_hash=hashes.get(name, ""))
        for name, link in files.items()
    ]
    missing = [name for name in torrents if name not in files]
    return (*present, *(Candidate(name, torrent=torrents[name], torrent_only=True) for name in missing))


def _link(href: str, url: str, hosts: tuple[str, ...]) -> Link | None:
    if href.startswith(("?", "#")) or not href:
        return None
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, href))
        is_here = there.hostname == here.hostname and there.port in (here.port, 80, 443)
    except ValueError:  # an address that is none ("http://[")
        return None
    if is_here:  # a listing may write its own links with another scheme or port than it was asked by
        there = there._replace(scheme=here.scheme, netloc=here.netloc)
    same_site = there.scheme in ("http", "https") and (is_here or there.netloc in hosts)
    is_above = is_here and here.path.startswith(there.path)  # a parent, or the listing itself in another order
    name = clean_name(there.path.removesuffix(_DOWNLOAD_PAGE))
    if not same_site or is_above or name is None:
        return None
    # servers escape what they like; one spelling makes one address
    path = quote(unquote(there.path), safe="/:+~@=,;!$'()*&")
    return Link(name, there._replace(path=path, query="", fragment="").geturl(), there.path.endswith("/"))
