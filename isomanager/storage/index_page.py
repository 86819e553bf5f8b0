"""The page a browser shows for a repository: one plain table, no script, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import quote

from isomanager.model import Copy, RepositoryRecord
from isomanager.storage.layout import display_name

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }}
td.size {{ text-align: right; white-space: nowrap; }}
td.date {{ white-space: nowrap; }}
code {{ font-size: .8rem; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{name}</h1>
<p>{description}{summary}. <a href="SHA256SUMS">SHA256SUMS</a> · <a href="inventory.json">inventory.json</a></p>
<table>
<thead><tr><th>Image</th><th>Version</th><th>Architecture</th><th>Size</th><th>Proved</th><th>Assurance</th></tr></thead>
<tbody>
"""
_TAIL = "</tbody>\n</table>\n</body>\n</html>\n"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def build_page(held: Iterable[Copy], repository: RepositoryRecord, *, names: Mapping[str, str]) -> str:
    """The page for these copies, in their order."""
    held = tuple(held)
    images = "1 image" if len(held) == 1 else f"{len(held)} images"
    head = _HEAD.format(
        name=escape(repository.name),
        description=f"{escape(repository.description.rstrip('. '))}. " if repository.description.strip(". ") else "",
        summary=f"{images}, {readable_size(sum(one.size or 0 for one in held))}",
    )
    return head + "".join(_row(one, names) for one in held) + _TAIL


def _row(copy: Copy, names: Mapping[str, str]) -> str:
    title = copy.title
    name = names.get(title.product) or display_name(title.product)
    label = " ".join(filter(None, (name, display_name(title.flavor), title.edition, title.language)))
    proved = f"{copy.proved_at:%Y-%m-%d}" if copy.proved_at else ""
    return (
        f'<tr><td><a href="{escape(quote(copy.path))}">{escape(label)}</a><br><code>{escape(copy.path)}</code></td>'
        f"<td>{escape(title.version.text)}</td><td>{escape(title.architecture)}</td>"
        f'<td class="size">{readable_size(copy.size or 0)}</td><td class="date">{proved}</td>'
        f'<td title="SHA-256 {escape(copy.sha256 or "")}">{copy.assurance.value}</td></tr>\n'
    )


def readable_size(size: int) -> str:
    """`size` bytes as people read it: 1.5 GiB."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{size} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"
