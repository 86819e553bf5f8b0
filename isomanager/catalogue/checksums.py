"""Checksum documents in every form upstreams use, read into entries. Pure: text in, entries out, nothing judged here.

The forms: GNU coreutils (`HASH  name`, `HASH *name`, and behind a backslash with the name escaped), the same with one blank
(openSUSE), BSD (`SHA256 (name) = HASH`), bare hashes, `name: HASH` and `SHA256: HASH name` (release notes, PowerShell), size
comments (`# name: N bytes`: Fedora, Rocky, AlmaLinux), `HASH size name` (Debian's Release), sections (`### SHA256SUMS:`,
`# SHA512 HASH`, a line that is just `sha256`), what spreads over several lines or stands in a table (`checksum_layouts`), fields of
JSON, metalinks. A clearsigned document is read by whoever checks its
signature; here its armor is only stepped over, as are keys, certificates and signatures in PEM. A web page has no digests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from isomanager.catalogue.checksum_data import entries_of_data, looks_like_data
from isomanager.catalogue.checksum_forms import (
    DIGEST_LENGTHS,
    DigestEntry,
    Section,
    Subject,
    algorithm_named,
    entry_of,
    section_of,
    size_comment,
    tidy,
)
from isomanager.catalogue.checksum_layouts import unfolded
from isomanager.catalogue.metalink import is_metalink, read_metalink
from isomanager.errors import Refused

__all__ = [
    "DIGEST_LENGTHS",
    "DigestEntry",
    "algorithm_named",
    "is_web_page",
    "lookup",
    "lookup_size",
    "parse_checksums",
]

_LINE_END = re.compile(r"\r\n|\n|\r|\0")
"""Nothing else ends a line for coreutils (`--zero`: NUL): a form feed or a Unicode separator is part of a name."""
_MARKUP = re.compile(r"\s*<[!?/a-z]", re.IGNORECASE)
_BLOCK = re.compile(r"(?:#\s*)?-----(BEGIN|END) ([A-Za-z0-9 ]+)-----")
_SECRETIVE = ("KEY", "CERTIFICATE", "SIGNATURE", "PGP", "REQUEST", "PARAMETERS", "PKCS", "CRL")
_LONGEST_LINE = 4096


def is_web_page(text: str) -> bool:
    """Whether `text` begins with markup, as no checksum document but a metalink does."""
    return _MARKUP.match(text.removeprefix("\ufeff")) is not None and not is_metalink(text)


def parse_checksums(text: str, *, algorithm: str = "", subject: Subject | None = None) -> tuple[DigestEntry, ...]:
    """Every digest in `text`, in the document's order; lines of no known form are passed over.

    The algorithm is the one a tag or section names, else `algorithm` (for a document whose own name says it, like
    `b2sums.txt`), else the one the digest's length means. A digest that is too short or long for its label is no digest.

    `subject` is for prose (release notes, announcements, web pages): it says which file a line is about, "" for none, and a
    digest without a name belongs to the file that was spoken of last. The dress of Markdown and mail is taken off then.
    """
    text = text.removeprefix("\ufeff")
    if subject is None and is_metalink(text):
        return tuple(entry for file in read_metalink(text) for entry in file.entries)
    if subject is None and is_web_page(text):
        return ()
    if subject is None and looks_like_data(text) and (found := entries_of_data(text)):
        return found
    entries: list[DigestEntry] = []
    sizes: dict[str, int] = {}
    section, spoken_of = Section(algorithm), ""
    payload = _payload_lines(text)
    for raw in payload if subject else unfolded(payload):
        line = raw if subject is None else _undressed(raw)
        spoken_of = (subject(line) if subject else "") or spoken_of
        if size := size_comment(line.strip()):
            sizes[size[0]] = size[1]
        elif entry := entry_of(line, section, prose=subject is not None):
            if entry.algorithm == "size":
                sizes[entry.name] = int(entry.digest)
            else:
                entries.append(entry if entry.name else replace(entry, name=spoken_of))
        else:
            section = section_of(raw.strip()) or section_of(line.strip()) or section
    return tuple(replace(one, size=sizes.get(one.name, one.size)) for one in entries)


def lookup(entries: Sequence[DigestEntry], name: str) -> dict[str, str]:
    """The digests for `name` by algorithm: the exact name first, else the one path that ends like it, else {}.

    A document that is nothing but bare hashes belongs to the file it stands beside, whatever the name.
    Raises Refused(code="wrong-digest") when the document gives two digests of one algorithm for the same name.
    """
    wanted = _slashed(name)
    exact = [entry for entry in entries if _slashed(entry.name) == wanted]
    found = exact or _by_last_segment(entries, wanted)
    if not found and all(not entry.name for entry in entries):
        found = list(entries)
    digests: dict[str, str] = {}
    for entry in found:
        if digests.setdefault(entry.algorithm, entry.digest) != entry.digest:
            raise Refused(
                f"The checksum document gives two different {entry.algorithm} digests for {name or 'its file'}.",
                code="wrong-digest",
                hint="Upstream's document contradicts itself; nothing is fetched until it is repaired.",
                name=name,
            )
    return digests


def lookup_size(entries: Sequence[DigestEntry], name: str) -> int | None:
    """The size in bytes that the document states for `name`, or None."""
    wanted = _slashed(name)
    exact = [entry for entry in entries if _slashed(entry.name) == wanted] or _by_last_segment(entries, wanted)
    return next((entry.size for entry in exact if entry.size is not None), None)


def _by_last_segment(entries: Sequence[DigestEntry], wanted: str) -> list[DigestEntry]:
    ending = [entry for entry in entries if entry.name and _one_ends_like_the_other(_slashed(entry.name), wanted)]
    return ending if len({_slashed(entry.name) for entry in ending}) == 1 else []


def _one_ends_like_the_other(one: str, other: str) -> bool:
    return bool(other) and (f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}"))


def _slashed(name: str) -> str:
    return tidy(name.replace("\\", "/"))


def _undressed(line: str) -> str:
    """A line of prose without bullets, quotation marks, table bars, bold, code marks and the `# ` of a quoted document."""
    plain = re.sub(r"[`|]|\*\*", " ", line)
    return re.sub(r"^(?:#\s+|[-*+>]\s+)+", "", plain.strip()).strip()


def _payload_lines(text: str) -> Iterator[str]:
    """The lines without OpenPGP armor, its headers, the signature itself, keys and certificates; what is indented stays so.

    A block that is called after what it holds, such as `-----BEGIN SHA256-----`, is a section like any other.
    """
    inside = ""
    for raw in _LINE_END.split(text):
        line = raw.strip()
        frame = _BLOCK.fullmatch(line)
        if frame and frame[1] == "BEGIN":
            inside = _kind_of_block(frame[2])
            if not inside:
                yield frame[2]
        elif frame:
            inside = ""
        elif inside == "headers":
            inside = "" if not line else inside
        elif not inside and line and len(line) <= _LONGEST_LINE:
            yield raw


def _kind_of_block(label: str) -> str:
    if label == "PGP SIGNED MESSAGE":
        return "headers"
    return "armor" if any(word in label.upper() for word in _SECRETIVE) else ""
