"""The page of a library or repository: figures, charts, and a table that can be searched and sorted. Self-contained, so that it
works from a file; without scripts it is a plain page; everything from elsewhere is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import islice
from string import Template
from urllib.parse import quote

from isomanager.inventory.report.figures import LONGER_AGO, NEVER, PROOF_AGES, Figures, Named, Part
from isomanager.model import Copy, Receipt
from isomanager.storage.layout import display_name
from isomanager.storage.receipts import receipt_path

MOST_ROWS = 20_000
"""Beyond this a browser is no place to look: `isomanager list` is."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_HEADS = ("Image", "Version", "Architecture", "Size", "Proved", "Assurance", "Added")
_TONES = {
    "signed": "good", "pinned": "good", "published": "good", "served": "fair", "mirror": "fair", "none": "bad",
    PROOF_AGES[0][1]: "good", PROOF_AGES[1][1]: "good", PROOF_AGES[2][1]: "fair", LONGER_AGO: "bad", NEVER: "bad",
}  # fmt: skip


def page_pieces(
    figures: Figures,
    copies: Iterable[Copy],
    *,
    description: str = "",
    names: Mapping[str, str] | None = None,
    receipts: Mapping[str, Receipt] | None = None,
    links: bool = True,
) -> Iterator[str]:
    """Pieces of the page for these figures and copies, in the copies' order; of the copies one is looked at after the other.

    `links` makes files and receipts links relative to the repository's root, which is right for the repository's own page;
    `receipts` by SHA-256 add to each image why it is believed.
    """
    head, _, rest = _template().partition("$rows")
    middle, _, end = rest.partition("$rest")
    kept, passing = receipts or {}, iter(copies)
    told = {
        "title": escape(figures.name), "about": _about(figures, description, links), "cards": _cards(figures),
        "warnings": _warnings(figures), "charts": _charts(figures),
        "heads": "".join(f'<th scope="col"{_narrow(place)}>{head}</th>' for place, head in enumerate(_HEADS)),
    }  # fmt: skip
    yield Template(head).substitute(told)
    between = ""
    for one in islice(passing, MOST_ROWS):
        yield between + _row(one, names or {}, kept.get(one.sha256 or ""), links)
        between = "\n"
    yield middle
    if more := sum(1 for _ in passing):
        yield f"<p>{more} more are not shown here: <code>isomanager list</code> has them.</p>"
    yield end


@cache
def _template() -> str:
    return files("isomanager.inventory.report").joinpath("page.html").read_text("utf-8")


def _about(figures: Figures, description: str, links: bool) -> str:
    told = [escape(description.rstrip(". "))] if description.strip(". ") else []
    told.append(f"As of {figures.generated:%Y-%m-%d}")
    if links:
        told.append('<a href="SHA256SUMS">SHA256SUMS</a> · <a href="inventory.json">inventory.json</a>')
    return " · ".join(told)


def _cards(figures: Figures) -> str:
    told = [
        (str(figures.images), "image" if figures.images == 1 else "images"),
        (readable_size(figures.size), "held"),
        (f"{figures.proved_lately:.0%}", "of the bytes proved in the last 30 days"),
    ]
    if figures.newest is not None:
        told.append((f"{figures.newest.when:%Y-%m-%d}", f"newest: {figures.newest.image}"))
    if figures.oldest is not None:
        told.append((f"{figures.oldest.when:%Y-%m-%d}", f"oldest: {figures.oldest.image}"))
    free = [one.free for one in figures.room if one.free is not None]
    if free:
        told.append((readable_size(min(free)), "free" if len(figures.room) == 1 else "free in the fullest repository"))
    cards = "".join(f"<li><b>{escape(value)}</b>{escape(name)}</li>" for value, name in told)
    return f'<ul class="cards">{cards}</ul>'


def _warnings(figures: Figures) -> str:
    return (
        _list("Suspect: failed a proof, and is not served", figures.suspect, "warn")
        + _list("Newer upstream", figures.outdated, "note")
        + _list("End of life", figures.ending, "note")
    )


def _list(head: str, named: Sequence[Named], tone: str) -> str:
    if not named:
        return ""
    items = "".join(f"<li>{escape(one.image)}: {escape(one.told)}</li>" for one in named[:100])
    more = f"<li>and {len(named) - 100} more</li>" if len(named) > 100 else ""
    return f'<section class="{tone}"><h2>{escape(head)} ({len(named)})</h2><ul>{items}{more}</ul></section>'


def _charts(figures: Figures) -> str:
    drawn = (
        _chart("Size by family", figures.families),
        _chart("Size by product", figures.products),
        _chart("How far it is proved", figures.assurances),
        _chart("When it was last proved", figures.proofs),
    )
    return f'<div class="charts">{"".join(drawn)}</div>' if figures.images else ""


def _chart(caption: str, parts: Sequence[Part]) -> str:
    """Bars with their values written beside them: what the eye sees can be read, too."""
    most = max((one.size for one in parts), default=0) or 1
    bars = "".join(
        f'<span class="name">{escape(one.name)}</span><span class="track"><span class="fill {_TONES.get(one.name, "")}"'
        f' style="display:block;width:{100 * one.size / most:.1f}%"></span></span>'
        f'<span class="value">{readable_size(one.size)} · {one.images}</span>'
        for one in parts
    )
    return f'<figure><figcaption>{escape(caption)}</figcaption><div class="bars">{bars}</div></figure>'


def _narrow(place: int) -> str:
    """Columns that a small screen leaves out, and the one that reads from the right."""
    return ' class="wide"' if place in (2, 6) else ' class="number"' if place == 3 else ""


def _row(copy: Copy, names: Mapping[str, str], receipt: Receipt | None, links: bool) -> str:
    title = copy.title
    name = names.get(title.product) or display_name(title.product)
    label = " ".join(filter(None, (name, display_name(title.flavor), title.edition, title.language)))
    link = f'<a href="{escape(quote(copy.path))}">{escape(label)}</a>' if links else escape(label)
    proved = f"{copy.proved_at:%Y-%m-%d}" if copy.proved_at else ""
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in _facts(copy, receipt, links))
    return (
        f'<tr id="{escape(copy.id)}"><td>{link}'
        f"<details><summary><code>{escape(copy.path)}</code></summary><dl>{facts}</dl></details></td>"
        f'<td data-bytes="{escape(title.version.sort_text)}">{escape(title.version.text)}</td>'
        f'<td class="wide">{escape(title.architecture)}</td>'
        f'<td class="number" data-number="{copy.size or 0}">{readable_size(copy.size or 0)}</td><td class="date">{proved}</td>'
        f'<td data-number="{copy.assurance.rank}">{copy.assurance.value}</td>'
        f'<td class="date wide">{copy.created_at:%Y-%m-%d}</td></tr>'
    )


def _facts(copy: Copy, receipt: Receipt | None, links: bool) -> Iterable[tuple[str, str]]:
    """What is known of one image, its values as HTML."""
    for algorithm, digest in sorted(copy.digests.items()):
        yield algorithm, f"<code>{escape(digest)}</code>"
    told = (
        ("file", copy.filename),
        ("repository", copy.repository),
        ("source", copy.source),
        *sorted(copy.metadata.items()),
    )
    yield from ((name, escape(value)) for name, value in told if value)
    if receipt is not None:
        if receipt.signer is not None:
            yield "signed by", f"<code>{escape(receipt.signer.primary)}</code>"
        yield from (("because", escape(reason)) for reason in receipt.reasons)
        yield from (("from", escape(url)) for url in receipt.urls)
    if copy.sha256 and links:
        yield "receipt", f'<a href="{escape(receipt_path(copy.sha256))}">{escape(receipt_path(copy.sha256))}</a>'


def readable_size(size: int) -> str:
    """`size` bytes as people read it: 1.5 GiB."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{size} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"
