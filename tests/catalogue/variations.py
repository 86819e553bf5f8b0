"""The same document as other servers and other days would give it: dialects of listings, added siblings, other orders and line
ends, pages that are no listing. Each variation is a function from a text to a text, or None where it does not apply.
"""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from isomanager.catalogue.strategies.listing import is_listing, links, looks_like_html

Variation = Callable[[str, str], str | None]
"""From a document's text and its address to the varied text."""

_SIDES = (".torrent", ".zsync", ".sig", ".asc", ".sha256", ".manifest", ".jigdo", ".list", ".xz", ".part", ".metalink")
NOT_FOUND = (
    "<!DOCTYPE html>\n<html><head><title>404 - Not found</title></head><body><h1>Page not found</h1><p>The page you asked for is "
    'gone. <a href="/">Home</a> <a href="/downloads/">Downloads</a> <a href="https://status.example/">Status</a></p></body></html>'
)
PORTAL = "<HTML><BODY onload=\"location='https://portal.example/login'\">Please <a href=https://portal.example/>sign in</a></BODY></HTML>"


def entries(text: str, url: str) -> list[str] | None:
    """The names a listing has, directories with a slash; None for what is no plain listing of its own place."""
    if not looks_like_html(text) or not is_listing(text):
        return None
    return [link.name + "/" * link.is_directory for link in links(text, url)]


def _row(name: str, href: str) -> str:
    return f'<a href="{href}">{html.escape(name)}</a>'


def _page(url: str, rows: str, *, head: str = "", title: str = "Index of") -> str:
    path = html.escape(urlsplit(url).path)
    return f"{head}<html><head><title>{title} {path}</title></head><body><h1>{title} {path}</h1>{rows}</body></html>"


def apache_table(url: str, names: list[str]) -> str:
    sort = '<tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>'
    rows = (
        f'<tr><td valign="top"><img src="/icons/x.gif" alt="[ ]"></td><td>{_row(f"{one[:20]}..&gt;", quote(one))}</td>'
        '<td align="right">2026-08-06 12:00  </td><td align="right">1.1G</td></tr>'
        for one in names
    )
    up = '<tr><td><a href="/">Parent Directory</a></td></tr>'
    return _page(
        url,
        f"<table>{sort}{up}{''.join(rows)}</table>",
        head="<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 3.2 Final//EN'>\n",
    )


def apache_minified(url: str, names: list[str]) -> str:
    rows = "".join(f"<tr><td><a href={quote(one)}>{html.escape(one)}</a><td>2026-08-06<td>-" for one in names)
    return f"<!doctype html><title>Index of {urlsplit(url).path}</title><table><tr><th><a href=?C=N&amp;O=D>Name</a><tr><td><a href=../>up</a>{rows}</table>"


def apache_preformatted(url: str, names: list[str]) -> str:
    rows = "\n".join(
        f'<IMG SRC="/icons/x.gif" ALT="[   ]"> <A HREF="{quote(one)}">{html.escape(one[:16])}..&gt;</A>  06-Aug-2026 12:00  1.1G'
        for one in names
    )
    return _page(
        url,
        f'<PRE><A HREF="?N=D">Name</A> <A HREF="?M=A">Last modified</A><HR><A HREF="/">Parent Directory</A>\n{rows}</PRE>',
    )


def nginx(url: str, names: list[str]) -> str:
    rows = "\r\n".join(f"{_row(one, quote(one))}      06-Aug-2026 12:00   1174405120" for one in names)
    return _page(url, f'<hr><pre><a href="../">../</a>\r\n{rows}\r\n</pre><hr>')


def fancyindex(url: str, names: list[str]) -> str:
    rows = "\n".join(
        f'<tr><td colspan="2" class="link"><a href="{quote(one)}" title="{html.escape(one)}">{html.escape(one)}</a></td><td class="size">1.1 GiB</td></tr>'
        for one in names
    )
    return "<!-- header -->\n" + _page(
        url,
        f'<table id="list"><thead><tr><th><a href="?C=N&amp;O=A">Name</a><a href="?C=N&amp;O=D">&nbsp;&darr;</a></th></tr></thead><tr><td><a href="../">Parent directory/</a></td></tr>{rows}</table>',
        head="<!DOCTYPE html>\r\n",
    )


def h5ai(url: str, names: list[str]) -> str:
    path = urlsplit(url).path
    rows = "".join(
        f'<tr><td class="fb-i"><img src="/_h5ai/public/images/x.png" alt="file"/></td><td class="fb-n"><a href="{quote(path + one)}">{html.escape(one)}</a></td></tr>'
        for one in names
    )
    return f'<!DOCTYPE html><html class="no-js"><head><title>index - powered by h5ai v0.30.0</title></head><body class="index"><div id="fallback"><table><tr><td class="fb-n"><a href="..">Parent Directory</a></td></tr>{rows}</table></div></body></html>'


def lighttpd(url: str, names: list[str]) -> str:
    rows = "\n".join(
        f'<tr class="d"><td class="n"><a href="{quote(one)}">{html.escape(one.rstrip("/"))}</a>{"/" * one.endswith("/")}</td><td class="m">2026-Aug-06 12:00:00</td></tr>'
        for one in names
    )
    return _page(
        url,
        f'<table summary="Directory Listing"><tr class="d"><td class="n"><a href="../">..</a>/</td></tr>{rows}</table>',
    )


def caddy(url: str, names: list[str]) -> str:
    rows = "".join(
        f'<tr class="file"><td></td><td><a href="./{quote(one)}"><svg></svg><span class="name">{html.escape(one.rstrip("/"))}</span></a></td></tr>'
        for one in names
    )
    return f'<!DOCTYPE html><html><head><title>{urlsplit(url).path}</title></head><body><header><h1><a href="/">/</a></h1></header><table><tr><th><a href="?sort=name&order=desc">Name</a></th></tr><tr><td><a href=".."><span class="goup">Up</span></a></td></tr>{rows}</table><footer>Served with <a rel="noopener noreferrer" href="https://caddyserver.com">Caddy</a></footer></body></html>'


def iis(url: str, names: list[str]) -> str:
    path = urlsplit(url).path
    rows = "".join(
        f'  8/6/2026 12:00 PM  1174405120 <A HREF="{quote(path + one)}">{html.escape(one.rstrip("/"))}</A><br>'
        for one in names
    )
    return f'<html><head><title>{urlsplit(url).netloc} - {path}</title></head><body><H1>{path}</H1><hr><pre><A HREF="/">[To Parent Directory]</A><br><br>{rows}</pre><hr></body></html>'


def python_server(url: str, names: list[str]) -> str:
    rows = "\n".join(f'<li><a href="{quote(one, errors="surrogatepass")}">{html.escape(one)}</a></li>' for one in names)
    return f'<!DOCTYPE HTML>\n<html lang="en">\n<head><title>Directory listing for {urlsplit(url).path}</title></head><body><ul>\n{rows}\n</ul></body></html>'


def absolute_links(url: str, names: list[str]) -> str:
    return apache_table(url, [url + one for one in names]).replace("https%3A//", "https://")


def absolute_links_by_http(url: str, names: list[str]) -> str:
    return absolute_links(url, names).replace("https://", "http://")


def links_without_scheme(url: str, names: list[str]) -> str:
    return absolute_links(url, names).replace("https://", "//")


def with_entities(url: str, names: list[str]) -> str:
    rows = "".join(f'<a href="{"".join(f"&#x{ord(letter):x};" for letter in one)}">x</a><br>' for one in names)
    return _page(url, rows)


def icon_and_name_links(url: str, names: list[str]) -> str:
    rows = "".join(
        f'<tr><td><a href="{quote(one)}"><img alt="[FILE]"></a></td><td><a href="{quote(one)}">{html.escape(one)}</a></td></tr>'
        for one in names
    )
    return _page(url, f'<table><tr><td><a href="../"><img alt=up></a></td></tr>{rows}</table>')


def escaped_names(url: str, names: list[str]) -> str:
    rows = "".join(
        f'<a href="{"".join(f"%{ord(letter):02x}" if letter in "-._" else letter for letter in one)}">x</a>\n'
        for one in names
    )
    return _page(url, f'<pre><a href="../">../</a>\n{rows}</pre>')


def bucket_page(url: str, names: list[str]) -> str:
    rows = "".join(
        f"<div><a class='name' href='{quote(one)}'>{html.escape(one)}</a><i>6 Aug 2026</i></div>" for one in names
    )
    script = '<script>const x = "<a href=\\"evil-99.iso\\">";</script>'
    comment = '<!-- <a href="hidden-99.iso">x</a> -->'
    head = f'<head><meta charset="utf-8"><title>Index of {urlsplit(url).path}</title>{script}</head>'
    return f'<!DOCTYPE html><html>{head}<body><nav><a href="/">root</a></nav>{comment}{rows}</body></html>'


def json_index(url: str, names: list[str]) -> str:
    return json.dumps(
        [
            {
                "name": one.rstrip("/"),
                "type": "directory" if one.endswith("/") else "file",
                "mtime": "Thu, 06 Aug 2026 12:00:00 GMT",
            }
            for one in names
        ]
    )


DIALECTS: tuple[Callable[[str, list[str]], str], ...] = (
    apache_table, apache_minified, apache_preformatted, nginx, fancyindex, h5ai, lighttpd, caddy, iis, python_server,
    absolute_links, absolute_links_by_http, links_without_scheme, with_entities, icon_and_name_links, escaped_names, bucket_page,
    json_index,
)  # fmt: skip


def _in_dialect(render: Callable[[str, list[str]], str]) -> Variation:
    def varied(text: str, url: str) -> str | None:
        names = entries(text, url)
        return render(url, names) if names else None

    varied.__name__ = render.__name__
    return varied


_TWINS = {
    "amd64": "arm64",
    "arm64": "amd64",
    "x86_64": "aarch64",
    "aarch64": "x86_64",
    "64bit": "32bit",
    "i386": "s390x",
}


def announced(name: str) -> list[str]:
    """What a release that is still to come, a copy, or a half-finished file is called beside `name`."""
    stem = name.removesuffix(".iso")
    return [
        f"{stem}-beta.iso.part",
        f"copy-of-{name}",
        f"{name}.1",
        f"{stem}%20(1).iso",
        f".{name}",
        f"{stem}-debug.iso",
    ]


def other_architectures(name: str) -> list[str]:
    """The same image for other architectures."""
    return [
        name.replace(one, other) for one, other in _TWINS.items() if re.search(rf"(?<![a-z0-9]){one}(?![a-z0-9])", name)
    ]


def older(name: str) -> list[str]:
    """An older release whose number is higher in the order of letters: 9 after 13."""
    found = re.search(r"(?<![0-9a-zA-Z_.])\d{2,}", name)
    return [f"{name[: found.start()]}9{name[found.end() :]}"] if found and int(found[0]) > 9 else []


def _more_images(of: Callable[[str], list[str]]) -> Variation:
    def varied(text: str, url: str) -> str | None:
        names = entries(text, url)
        images = [one for one in names or () if one.endswith((".iso", ".iso.bz2"))]
        if names and images:
            return nginx(url, [*names, *(more for one in images for more in of(one) if more not in names)])
        if "# " in text or "-----BEGIN" in text or "untrusted comment" in text or not is_checksums(text):
            return None
        lines = text.splitlines()
        known = [found[0] for line in lines if (found := re.search(r"[^\s()*/]+\.iso(?=$|\))", line))]
        if len(known) < 2:  # a document about one file is about that file
            return None
        return (
            "\n".join([*lines, *(f"{'0' * 64}  {more}" for one in known for more in of(one) if more not in known)])
            + "\n"
        )

    return varied


def minified_data(text: str, url: str) -> str | None:
    data = _data(text)
    return None if data is None else json.dumps(data, separators=(",", ":"), ensure_ascii=True)


def more_fields(text: str, url: str) -> str | None:
    """Fields and nulls that upstream never had before."""
    data = _data(text)
    return None if data is None else json.dumps(_with_fields(data), indent=1)


def _data(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    return json.loads(text)


def _with_fields(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_fields(one) for one in value]
    if isinstance(value, dict):
        return {name: _with_fields(one) for name, one in value.items()} | (
            {"new-in-2027": None} if "url" in value else {}
        )
    return value


def siblings_in_listing(text: str, url: str) -> str | None:
    """Everything that stands beside images, other vendors' and other forms' images, and moving directories."""
    names = entries(text, url)
    if not names:
        return None
    images = [one for one in names if one.endswith((".iso", ".iso.bz2"))]
    beside = [f"{one}{side}" for one in images for side in _SIDES if f"{one}{side}" not in names]
    more = [
        "README",
        "SHA512SUMS.sign",
        "MD5SUMS",
        "FOOTER.html",
        "debian-mac-99.0.0-amd64-netinst.iso",
        "other-99.9-amd64.iso",
        "old/",
        "tmp/",
        ".hidden/",
    ]
    return nginx(url, [*more, *beside, *names])


def shuffled_listing(text: str, url: str) -> str | None:
    names = entries(text, url)
    if not names:
        return None
    random.Random(len(text)).shuffle(names)
    return apache_table(url, names)


def a_folder_before_its_release(text: str, url: str) -> str | None:
    """A folder for the next release stands there, with nothing in it yet."""
    names = entries(text, url)
    folders = [one for one in names or () if one.endswith("/") and re.search(r"\d", one)]
    if names is None or not folders:
        return None
    newest = max(folders, key=lambda one: [int(number) for number in re.findall(r"\d+", one)])
    following = re.sub(r"\d+", lambda number: str(int(number[0]) + 1).zfill(len(number[0])), newest, count=1)
    return nginx(url, [*names, following])


def is_checksums(text: str) -> bool:
    return not looks_like_html(text) and bool(re.search(r"(?m)^[0-9a-f]{32,128}[ \t]|\) ?= ?[0-9a-f]{32,128}$", text))


def _lines(change: Callable[[list[str]], list[str]]) -> Variation:
    def varied(text: str, url: str) -> str | None:
        if not is_checksums(text) or "-----BEGIN" in text or "untrusted comment" in text or "# " in text:
            return None
        return "\n".join(change(text.splitlines())) + "\n"

    return varied


def _shuffled(lines: list[str]) -> list[str]:
    mixed = list(lines)
    random.Random(len(lines)).shuffle(mixed)
    return mixed


def _with_siblings(lines: list[str]) -> list[str]:
    beside = [
        line.rstrip(")").replace(".iso", f".iso{side}") for line in lines for side in _SIDES if line.endswith(".iso")
    ]
    tagged = [line.replace(".iso)", f".iso{side})") for line in lines for side in _SIDES if ".iso)" in line]
    return [
        *beside,
        *tagged,
        *lines,
        f"{'0' * 64}  debian-mac-99.0.0-amd64-netinst.iso",
        f"{'0' * 64} *other-99.9-amd64.iso",
    ]


def _dotted(lines: list[str]) -> list[str]:
    return [re.sub(r"^([0-9a-f]{32,128}) [ *](?=[^./ *])", r"\1  ./", line) for line in lines]


def _starred(lines: list[str]) -> list[str]:
    return [re.sub(r"^([0-9a-f]{32,128})[ *]+(?=\S)", r"\1 *", line) for line in lines]


def _tagged(lines: list[str]) -> list[str]:
    words = {32: "MD5", 40: "SHA1", 64: "SHA256", 128: "SHA512"}
    return [
        re.sub(r"^([0-9a-f]{32,128})[ *]+(\S.*)$", lambda one: f"{words[len(one[1])]} ({one[2]}) = {one[1]}", line)
        for line in lines
    ]


def _shouted(lines: list[str]) -> list[str]:
    return [re.sub(r"\b[0-9a-f]{32,128}\b", lambda one: one[0].upper(), line) for line in lines]


def crlf(text: str, url: str) -> str | None:
    return (
        text.replace("\r\n", "\n").replace("\n", "\r\n")
        if "-----BEGIN" not in text and "untrusted comment" not in text
        else None
    )


def byte_order_mark(text: str, url: str) -> str | None:
    return f"\ufeff{text}" if "-----BEGIN" not in text and "untrusted comment" not in text else None


def no_last_newline(text: str, url: str) -> str | None:
    return text.rstrip("\n")


KEEPING: dict[str, Variation] = {
    **{f"as {render.__name__}": _in_dialect(render) for render in DIALECTS},
    "siblings in the listing": siblings_in_listing,
    "another order of the listing": shuffled_listing,
    "a folder before its release": a_folder_before_its_release,
    "files that are no images yet": _more_images(announced),
    "other architectures": _more_images(other_architectures),
    "older releases with a greater digit": _more_images(older),
    "data on one line": minified_data,
    "data with more fields": more_fields,
    "another order of the checksums": _lines(_shuffled),
    "siblings in the checksums": _lines(_with_siblings),
    "names with ./": _lines(_dotted),
    "names with *": _lines(_starred),
    "BSD form": _lines(_tagged),
    "upper-case digests": _lines(_shouted),
    "CRLF": crlf,
    "byte order mark": byte_order_mark,
    "no last newline": no_last_newline,
}  # fmt: skip
"""Variations after which the answer must be the same."""

BREAKING: dict[str, Callable[[str, str], str]] = {
    "a page that says not found": lambda text, url: NOT_FOUND,
    "a captive portal": lambda text, url: PORTAL,
    "nothing": lambda text, url: "",
}
"""Variations after which the answer must be an error, or the same answer from elsewhere, never another one."""
