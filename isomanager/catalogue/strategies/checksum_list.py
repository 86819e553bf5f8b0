"""A checksum document as the listing: a file counts only when its digest is there too."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urljoin

from isomanager.catalogue.checksums import DigestEntry, parse_checksums
from isomanager.catalogue.metalink import is_metalink, read_metalink
from isomanager.catalogue.strategies.candidate import Candidate, clean_name, name_of_url
from isomanager.catalogue.strategies.listing import looks_like_html, no_listing
from isomanager.errors import FetchRefused

_SUFFIXES = (
    ".asc", ".sig", ".sign", ".gpg", ".digests", ".sha256sum.txt", ".sha256.txt", ".sha256sum", ".sha512sum", ".sha256",
    ".sha512", ".checksum", ".sha1", ".md5sum", ".md5", ".b2sum",
)  # fmt: skip


def candidates(text: str, url: str, *, algorithm: str = "") -> tuple[Candidate, ...]:
    """The files named in the checksum document at `url`, each once with all its digests, beside the document.

    A metalink also tells where its file can be had. A bare hash belongs to the file the document is named after. Raises
    FetchRefused(code="html-instead") for a web page, and code="no-checksums" for a document without a single digest.
    """
    if looks_like_html(text):
        raise no_listing(url)
    entries = parse_checksums(text, algorithm=algorithm)
    if not entries:
        raise FetchRefused(
            f"{url} holds no checksum at all.",
            code="no-checksums",
            hint="An empty or half-written document upstream; try again later.",
            url=url,
        )
    listed = from_entries(entries, url)
    places = {file.name: file.urls[0] for file in read_metalink(text) if file.urls} if is_metalink(text) else {}
    return tuple(replace(one, url=places.get(one.groups["entry"], one.url)) for one in listed)


def from_entries(entries: tuple[DigestEntry, ...], url: str) -> tuple[Candidate, ...]:
    """Candidates from digest entries; an address is made from the place of the document, if `url` is given. A file of which only
    the torrent is listed is marked `torrent_only`.
    """
    grouped: dict[str, list[DigestEntry]] = {}
    for entry in entries:
        grouped.setdefault(entry.name or named_after(url), []).append(entry)
    files = tuple(_candidate(path, found, url) for path, found in grouped.items() if clean_name(path))
    names = {one.name for one in files}
    torrents = (
        one for one in files if one.name.endswith(".torrent") and one.name.removesuffix(".torrent") not in names
    )
    return (
        *files,
        *(Candidate(one.name.removesuffix(".torrent"), torrent=one.url, torrent_only=True) for one in torrents),
    )


def _candidate(path: str, entries: list[DigestEntry], url: str) -> Candidate:
    return Candidate(
        name=clean_name(path) or path,
        url=urljoin(url, quote(path.removeprefix("./"), safe="/+~@=,")) if url else "",
        groups={"entry": path},
        size=next((entry.size for entry in entries if entry.size is not None), None),
        digests={entry.algorithm: entry.digest for entry in reversed(entries)},
    )


def named_after(url: str) -> str:
    """The file that a document of checksums or a signature is called after (`x.iso.sha256` is about x.iso), or ""."""
    name = name_of_url(url) or ""
    ending = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: -len(ending)] if ending else ""
