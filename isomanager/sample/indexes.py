"""Index pages of a folder in the dialects of the servers that vendors run. All are pure: entries in, HTML out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import quote


@dataclass(frozen=True)
class IndexEntry:
    """One line of an index. A folder's `size` counts for nothing; `size` is in bytes."""

    name: str
    is_folder: bool
    size: int
    modified_at: datetime

    @property
    def shown(self) -> str:
        """The name as listed: folders end in a slash."""
        return f"{self.name}/" if self.is_folder else self.name

    @property
    def href(self) -> str:
        """The link, percent-encoded."""
        return quote(self.shown)


def apache(path: str, entries: Sequence[IndexEntry]) -> str:
    """mod_autoindex with `IndexOptions FancyIndexing HTMLTable`: sort links, icons with links of their own, a parent row."""
    columns = (("N", "Name"), ("M", "Last modified"), ("S", "Size"), ("D", "Description"))
    sorting = "".join(
        f'<th><a href="?C={key};O={"D" if key == "N" else "A"}">{label}</a></th>' for key, label in columns
    )
    rows = [
        f'   <tr><th valign="top"><img src="/icons/blank.gif" alt="[ICO]"></th>{sorting}</tr>',
        '   <tr><th colspan="5"><hr></th></tr>',
        f'<tr><td valign="top"><img src="/icons/back.gif" alt="[PARENTDIR]"></td>{_parent_cells(path)}</tr>',
        *(_apache_row(one) for one in entries),
        '   <tr><th colspan="5"><hr></th></tr>',
    ]
    title = f"Index of {escape(path.rstrip('/') or '/')}"
    body = "\n".join(rows)
    return (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n'
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n<h1>{title}</h1>\n"
        f"  <table>\n{body}\n</table>\n</body></html>\n"
    )


def _parent_cells(path: str) -> str:
    link = f'<a href="{_parent(path)}">Parent Directory</a>'
    return f'<td>{link}</td><td>&nbsp;</td><td align="right">  - </td><td>&nbsp;</td>'


def _apache_row(one: IndexEntry) -> str:
    icon, alt = (
        ("folder", "[DIR]")
        if one.is_folder
        else ("iso", "[ISO]")
        if one.name.endswith(".iso")
        else ("unknown", "[   ]")
    )
    size = "  - " if one.is_folder else f"{_short(one.size):>4}"
    return (
        f'<tr><td valign="top"><a href="{one.href}"><img src="/icons/{icon}.gif" alt="{alt}"></a></td>'
        f'<td><a href="{one.href}">{escape(one.shown)}</a></td>'
        f'<td align="right">{one.modified_at:%Y-%m-%d %H:%M}  </td><td align="right">{size}</td><td>&nbsp;</td></tr>'
    )


def nginx(path: str, entries: Sequence[IndexEntry]) -> str:
    """ngx_http_autoindex: a `<pre>` with CRLF line ends, names cut at 50 characters in the text but not in the link."""
    rows = [_nginx_row(one) for one in entries]
    title = f"Index of {escape(path)}"
    lines = [
        "<html>",
        f"<head><title>{title}</title></head>",
        "<body>",
        f'<h1>{title}</h1><hr><pre><a href="../">../</a>',
        *rows,
        "</pre><hr></body>",
        "</html>",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def _nginx_row(one: IndexEntry) -> str:
    shown = one.shown if len(one.shown) <= 50 else f"{one.shown[:47]}..>"
    gap = " " * max(1, 51 - len(shown))
    size = "-" if one.is_folder else str(one.size)
    return f'<a href="{one.href}">{escape(shown)}</a>{gap}{one.modified_at:%d-%b-%Y %H:%M} {size:>19}'


def fancyindex(path: str, entries: Sequence[IndexEntry]) -> str:
    """The fancyindex module of nginx: a table with `title=` on its links, and markup of the site before the doctype."""
    rows = "\n".join(
        f'<tr><td class="link"><a href="{one.href}" title="{escape(one.name)}">{escape(one.shown)}</a></td>'
        f'<td class="size">{"-" if one.is_folder else _spelled(one.size)}</td>'
        f'<td class="date">{one.modified_at:%Y-%b-%d %H:%M}</td></tr>'
        for one in entries
    )
    head = "".join(
        f'<th><a href="?C={key}&amp;O=A">{label}</a>&nbsp;<a href="?C={key}&amp;O=D">&nbsp;&darr;&nbsp;</a></th>'
        for key, label in (("N", "File Name"), ("S", "File Size"), ("M", "Date"))
    )
    title = f"Index of {escape(path)}"
    return (
        f'<a href="https://mirrors.sample.invalid/">Mirrors</a> |\n<!DOCTYPE html><html><head>'
        f'<meta http-equiv="content-type" content="text/html; charset=utf-8">\n<title>{title}</title>\n</head><body>'
        f'<h1>{title}</h1>\n<table id="list"><thead><tr>{head}</tr></thead>\n<tbody>'
        '<tr><td class="link"><a href="../">Parent directory/</a></td><td class="size">-</td><td class="date">-</td></tr>\n'
        f"{rows}\n</tbody></table></body></html>\n"
    )


def minified(path: str, entries: Sequence[IndexEntry]) -> str:
    """An Apache table that a proxy has minified: no quotes around attributes, no closing tags, one line."""
    rows = "".join(
        f"<tr><td valign=top><img src=/icons/{'folder' if one.is_folder else 'unknown'}.gif alt=[{'DIR' if one.is_folder else ''}]>"
        f"<td><a href={one.href}>{escape(one.shown)}</a><td align=right>{one.modified_at:%Y-%m-%d %H:%M}"
        f"<td align=right>{'-' if one.is_folder else _short(one.size)}<td>&nbsp;"
        for one in entries
    )
    return (
        f"<!doctype html><title>Index of {escape(path)}</title><h1>Index of {escape(path)}</h1><table>"
        "<tr><th><a href=?C=N;O=D>Name</a><th><a href=?C=M;O=A>Last modified</a><th><a href=?C=S;O=A>Size</a>"
        f"<tr><td><td><a href={_parent(path)}>Parent Directory</a>{rows}</table>"
    )


Dialect = Callable[[str, Sequence[IndexEntry]], str]
DIALECTS: Mapping[str, Dialect] = {"apache": apache, "nginx": nginx, "fancyindex": fancyindex, "minified": minified}
"""By the name a vendor gives: path (with slashes around) and entries to a page."""


def _parent(path: str) -> str:
    return quote(path.rstrip("/").rpartition("/")[0] + "/")


def _short(size: int) -> str:
    """Apache's rounded size: 845, 2.1K, 3.1M."""
    amount, power = _scaled(size)
    return str(size) if not power else f"{amount:.{0 if amount >= 10 else 1}f}{'KMGT'[power - 1]}"


def _spelled(size: int) -> str:
    """fancyindex's size: 845 B, 2.1 KiB, 3.1 MiB."""
    amount, power = _scaled(size)
    return f"{size} B" if not power else f"{amount:.1f} {'KMGT'[power - 1]}iB"


def _scaled(size: int) -> tuple[float, int]:
    """The size in the greatest power of 1024 that leaves at least 1, and that power."""
    power = min(4, max(0, (max(size, 1).bit_length() - 1) // 10))
    return size / 1024**power, power
