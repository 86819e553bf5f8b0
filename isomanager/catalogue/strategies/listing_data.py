"""Directory listings that are data: JSON of nginx and Caddy, XML of nginx, S3 and Azure. Pure: text in, addresses out.

- nginx autoindex: https://nginx.org/en/docs/http/ngx_http_autoindex_module.html (`[{"name", "type"}]`, `<list><file>`)
- S3 and what speaks like it: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html (`<ListBucketResult>`)
- Azure: https://learn.microsoft.com/rest/api/storageservices/list-blobs (`<EnumerationResults>`)

XML is read with expat; a document type or an entity of the document's own ends the reading.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from isomanager.catalogue.xml_reading import read_xml

_ROOT = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--[^>]*-->\s*)*<(ListBucketResult|EnumerationResults|list)[\s>]")
_MOST = 100_000
_DEEPEST = 16
_ROWS = ("files", "items", "entries", "children", "objects", "contents")


def is_data(text: str) -> bool:
    """Whether a listing is data rather than a web page."""
    return text.lstrip("\ufeff \t\r\n").startswith(("[", "{")) or is_xml_listing(text)


def is_listing(text: str) -> bool:
    """Whether data says of itself that it is a listing, be it an empty one."""
    plain = text.lstrip("\ufeff \t\r\n")
    return plain.startswith("[") or is_xml_listing(text) or (plain.startswith("{") and _rows(text) is not None)


def is_xml_listing(text: str) -> bool:
    """Whether a text is XML of one of the known listings, by its root element."""
    return _ROOT.match(text.lstrip("\ufeff")) is not None


def is_cut_short(text: str) -> bool:
    """Whether a listing in XML says that there is more than it lists."""
    return is_xml_listing(text) and _read(text).goes_on


def addresses(text: str, url: str) -> tuple[str, ...]:
    """What the listing at `url` lists, as addresses relative to it or to its server; a directory's ends in a slash."""
    if is_xml_listing(text):
        return _read(text).addresses(url)
    return _names_in_json(text)


def _names_in_json(text: str) -> tuple[str, ...]:
    named = [row for row in _rows(text) or () if isinstance(row, dict) and isinstance(row.get("name"), str)][:_MOST]
    return tuple(quote(row["name"].rstrip("/")) + "/" * _is_directory(row) for row in named if row["name"].strip("/"))


def _rows(text: str) -> list[Any] | None:
    """The entries that a document in JSON lists; None where it lists none."""
    try:
        data = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    rows = data if isinstance(data, list) else next((data[name] for name in _ROWS if name in data), None)
    return rows if isinstance(rows, list) else None


def _is_directory(row: dict[str, object]) -> bool:
    return (
        row.get("type") in ("directory", "dir", "folder") or row.get("is_dir") is True or str(row["name"]).endswith("/")
    )


@dataclass
class _Listing:
    """What an XML listing says; `names` stand below the listing's own address, `keys` below the bucket."""

    bucket: str = ""
    prefix: str = ""
    goes_on: bool = False
    names: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def addresses(self, url: str) -> tuple[str, ...]:
        root = self._root(url)
        return (*map(quote, self.names), *(root + quote(key) for key in self.keys if not key.startswith("/")))

    def _root(self, url: str) -> str:
        """The path at which the bucket's keys begin: with its name where the address has that, else where the prefix begins."""
        path = urlsplit(url).path or "/"
        if self.prefix and path.endswith(f"/{self.prefix}"):
            return path.removesuffix(self.prefix)
        if self.bucket and path.split("/")[1] == self.bucket:
            return f"/{self.bucket}/"
        return path if path.endswith("/") else path.rpartition("/")[0] + "/"


class _Reader:
    def __init__(self) -> None:
        self.listing = _Listing()
        self._path: list[str] = []
        self._said = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        self._said = ""
        if len(self._path) > _DEEPEST:
            raise ValueError("it is too deep")
        if name == "EnumerationResults" and attributes.get("ContainerName"):
            self.listing.bucket = attributes["ContainerName"].rstrip("/").rpartition("/")[2]

    def text(self, text: str) -> None:
        self._said += text

    def end(self, _name: str) -> None:
        where, said, here = "/".join(self._path[1:]), self._said.strip(), self.listing
        self._path.pop()
        self._said = ""
        if len(here.keys) + len(here.names) >= _MOST or not said:
            return
        if where in ("Contents/Key", "Blobs/Blob/Name", "CommonPrefixes/Prefix", "Blobs/BlobPrefix/Name"):
            here.keys.append(said)
        elif where in ("file", "directory"):
            here.names.append(said + "/" * (where == "directory"))
        elif where == "Name":
            here.bucket = said
        elif where == "Prefix":
            here.prefix = said
        elif where in ("IsTruncated", "NextMarker"):
            here.goes_on = here.goes_on or said.lower() != "false"


def _read(text: str) -> _Listing:
    """An XML listing; one that is broken off goes on somewhere else."""
    reader = _Reader()
    try:
        read_xml(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"), reader)
    except ValueError:
        reader.listing.goes_on = True
    return reader.listing
