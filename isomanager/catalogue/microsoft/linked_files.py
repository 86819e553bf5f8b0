"""The files behind the links of one reply: their names, what their host says of them, and the digests that the page publishes."""

from __future__ import annotations

from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.microsoft import choosing
from isomanager.catalogue.microsoft.day_links import LinkedFile
from isomanager.catalogue.microsoft.download_page import DownloadPage
from isomanager.catalogue.microsoft.replies import Link, Links
from isomanager.catalogue.strategies.candidate import name_of_url
from isomanager.catalogue.wanted import Wanted
from isomanager.errors import IsoManagerError


def linked_files(
    links: Links, page: DownloadPage | None, wanted: Wanted, documents: DocumentSource
) -> tuple[LinkedFile, ...]:
    """A file for every link whose address ends in a name. Raises as `choosing.digest_among` does."""
    named = ((link, name_of_url(link.url)) for link in links.links)
    return tuple(_file(link, name, page, wanted, documents) for link, name in named if name is not None)


def _file(link: Link, name: str, page: DownloadPage | None, wanted: Wanted, documents: DocumentSource) -> LinkedFile:
    size, modified = _host_says(link.url, documents)
    digests = page.digests if page else ()
    return LinkedFile(
        architecture=link.architecture,
        filename=name,
        url=link.url,
        size=size,
        last_modified=modified,
        sha256=choosing.digest_among(digests, wanted, link.architecture or wanted.architecture),
    )


def _host_says(url: str, documents: DocumentSource) -> tuple[int | None, str]:
    """Size in bytes and date; that the host says nothing now is no obstacle."""
    try:
        located = documents.locate(url)
    except IsoManagerError:
        return None, ""
    return located.size, located.last_modified
