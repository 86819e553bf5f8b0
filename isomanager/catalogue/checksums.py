"""Checksum documents in every form upstreams use, read into entries. Pure: text in, entries out, nothing judged here.

The forms: GNU coreutils (`HASH  name`, `HASH *name`), the same with one blank (openSUSE), BSD (`SHA256 (name) = HASH`), bare
hashes, `name: HASH` and `SHA256: HASH name` (release notes), size comments (`# name: N bytes`: Fedora, Rocky, AlmaLinux),
sections (`### SHA256SUMS:`, `# SHA512 HASH`, a line that is just `sha256`). A clearsigned document is read by whoever checks its
signature; here its armor is only stepped over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from isomanager.errors import Refused

DIGEST_LENGTHS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
"""Which algorithm an unlabelled digest of so many hexadecimal digits is taken for."""

_KNOWN = {
    "md5": "md5",
    "sha1": "sha1",
    "sha224": "sha224",
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512": "sha512",
    "sha2256": "sha256",
    "sha2384": "sha384",
    "sha2512": "sha512",
    "b2": "blake2b",
    "blake2": "blake2b",
    "blake2b": "blake2b",
    "blake2b512": "blake2b",
    "b3": "blake3",
    "blake3": "blake3",
}
_WIDTHS = {**{name: width for width, name in DIGEST_LENGTHS.items()}, "blake2b": 128, "blake3": 64}

# the patterns are ours and run on one bounded line each, so the standard engine is safe here
_BSD = re.compile(r"(?:#\s+)?([A-Za-z][A-Za-z0-9/-]*) ?\((.+)\) ?= ?([0-9a-fA-F]+)")
_GNU = re.compile(r"\\?([0-9a-fA-F]{32,128})[ \t]+\*?(\S.*)")
_BARE = re.compile(r"[0-9a-fA-F]{32,128}")
_LABELLED = re.compile(r"([A-Za-z][\w.+-]*)\s*[:=]\s*([0-9a-fA-F]{32,128})")
_TAGGED = re.compile(r"([A-Za-z][\w-]*)\s*[:=]\s*([0-9a-fA-F]{32,128})\s+\*?(\S+)")
_SIZE = re.compile(r"#\s*(\S.*?):\s*(\d+)\s+bytes")
_SECTION = re.compile(r"(#*)\s*([A-Za-z][A-Za-z0-9-]*?)[-_ ]?(sums?|hash(?:es)?|checksums?)?\s*:?", re.IGNORECASE)
_LONGEST_LINE = 4096


@dataclass(frozen=True)
class DigestEntry:
    """One digest of one file. `name` is as written, with its directories ("" for a bare hash); `digest` in lower-case
    hexadecimal; `algorithm` under hashlib's name, or the document's own word when hashlib has none (blake3); `size` in bytes.
    """

    name: str
    algorithm: str
    digest: str
    size: int | None = None


def algorithm_named(word: str) -> str | None:
    """hashlib's name for the way a document spells an algorithm (`SHA2-256`, `B2`); None for a word that names none."""
    plain = re.sub(r"[^a-z0-9]", "", word.lower())
    return _KNOWN.get(re.sub(r"(?<=\d)sums?$", "", plain))


def parse_checksums(
    text: str, *, algorithm: str = "", subject: Callable[[str], str] | None = None
) -> tuple[DigestEntry, ...]:
    """Every digest in `text`, in the document's order; lines of no known form are passed over.

    The algorithm is the one a tag or section names, else `algorithm` (for a document whose own name says it, like
    `b2sums.txt`), else the one the digest's length means. A digest that is too short or long for its label is no digest.

    `subject` is for prose (release notes, announcements, web pages): it says which file a line is about, "" for none, and a
    digest without a name belongs to the file that was spoken of last. The dress of Markdown and mail is taken off then.
    """
    entries: list[DigestEntry] = []
    sizes: dict[str, int] = {}
    section, spoken_of = algorithm, ""
    for raw in _payload_lines(text):
        line = raw if subject is None else _undressed(raw)
        spoken_of = (subject(line) if subject else "") or spoken_of
        if size := _SIZE.fullmatch(line):
            sizes[_tidy(size[1])] = int(size[2])
        elif entry := _entry(line, section):
            if entry.algorithm == "size":
                sizes[entry.name] = int(entry.digest)
            else:
                entries.append(entry if entry.name else replace(entry, name=spoken_of))
        else:
            section = _section(raw) or _section(line) or section
    return tuple(replace(entry, size=sizes.get(entry.name)) for entry in entries)


def lookup(entries: Sequence[DigestEntry], name: str) -> dict[str, str]:
    """The digests for `name` by algorithm: the exact name first, else the one path that ends like it, else {}.

    A document that is nothing but bare hashes belongs to the file it stands beside, whatever the name.
    Raises Refused(code="wrong-digest") when the document gives two digests of one algorithm for the same name.
    """
    wanted = _tidy(name)
    exact = [entry for entry in entries if _tidy(entry.name) == wanted]
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
    wanted = _tidy(name)
    exact = [entry for entry in entries if _tidy(entry.name) == wanted] or _by_last_segment(entries, wanted)
    return next((entry.size for entry in exact if entry.size is not None), None)


def _by_last_segment(entries: Sequence[DigestEntry], wanted: str) -> list[DigestEntry]:
    ending = [entry for entry in entries if entry.name and _one_ends_like_the_other(_tidy(entry.name), wanted)]
    return ending if len({_tidy(entry.name) for entry in ending}) == 1 else []


def _one_ends_like_the_other(one: str, other: str) -> bool:
    return bool(other) and (f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}"))


def _tidy(name: str) -> str:
    # no file name ends in a dot, but a sentence that ends in a file name does
    return name.strip().removeprefix("./").rstrip(".")


def _undressed(line: str) -> str:
    """A line of prose without bullets, quotation marks, table bars, bold, code marks and the `# ` of a quoted document."""
    plain = re.sub(r"[`|]|\*\*", " ", line)
    return re.sub(r"^(?:#\s+|[-*+>]\s+)+", "", plain.strip()).strip()


def _payload_lines(text: str) -> Iterator[str]:
    """The lines without OpenPGP armor, its headers and the signature itself."""
    inside = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("-----BEGIN PGP SIGNED"):
            inside = "headers"
        elif line.startswith("-----BEGIN PGP"):
            inside = "armor"
        elif inside == "headers":
            inside = "headers" if line else ""
        elif inside == "armor":
            inside = "" if line.startswith("-----END PGP") else "armor"
        elif line and len(line) <= _LONGEST_LINE:
            yield line


def _entry(line: str, section: str) -> DigestEntry | None:
    if tagged := _BSD.fullmatch(line):
        return _bsd_entry(tagged[1], tagged[2], tagged[3])
    if named := _GNU.fullmatch(line):
        return _checked(_tidy(named[2]), section, named[1])
    if _BARE.fullmatch(line):
        return _checked("", section, line)
    if (tagged := _TAGGED.fullmatch(line)) and algorithm_named(tagged[1]):
        return _checked(_tidy(tagged[3]), algorithm_named(tagged[1]) or "", tagged[2])
    if labelled := _LABELLED.fullmatch(line):
        algorithm = algorithm_named(labelled[1])
        # `SHA256: HASH` is a bare hash with its algorithm, `ventoy-1.0.99-livecd.iso: HASH` a hash with its file
        return _checked("", algorithm, labelled[2]) if algorithm else _checked(labelled[1], section, labelled[2])
    return None


def _bsd_entry(tag: str, name: str, value: str) -> DigestEntry | None:
    if tag.upper() == "SIZE" and value.isdigit():
        return DigestEntry(_tidy(name), "size", value)
    # a tag nobody knows keeps its own word, so that it is never taken for something it is not
    return _checked(_tidy(name), algorithm_named(tag) or tag.lower(), value)


def _checked(name: str, algorithm: str, digest: str) -> DigestEntry | None:
    algorithm = algorithm or DIGEST_LENGTHS.get(len(digest), "")
    if not algorithm or _WIDTHS.get(algorithm, len(digest)) != len(digest):
        return None
    return DigestEntry(name, algorithm, digest.lower())


def _section(line: str) -> str:
    """The algorithm a heading announces: `### SHA256SUMS:`, `# WHIRLPOOL HASH`, `sha256`; "" when the line is no heading."""
    heading = _SECTION.fullmatch(line)
    if heading is None:
        return ""
    known = algorithm_named(heading[2])
    return known or (heading[2].lower() if heading[1] and heading[3] else "")
