"""One line of a checksum document: which digest of which file it tells, or which algorithm the lines below it have. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

DIGEST_LENGTHS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
"""Which algorithm an unlabelled digest of so many hexadecimal digits is taken for."""

_KNOWN = {
    "md5": "md5",
    "sha1": "sha1",
    **{f"sha{bits}": f"sha{bits}" for bits in (224, 256, 384, 512)},
    **{f"sha2{bits}": f"sha{bits}" for bits in (224, 256, 384, 512)},
    **{f"sha3{bits}": f"sha3_{bits}" for bits in (224, 256, 384, 512)},
    **{f"sha512{bits}": f"sha512_{bits}" for bits in (224, 256)},
    **dict.fromkeys(("b2", "blake2", "blake2b", "blake2b512"), "blake2b"),
    **dict.fromkeys(("blake2s", "blake2s256"), "blake2s"),
    **dict.fromkeys(("b3", "blake3"), "blake3"),
    **dict.fromkeys(("rmd160", "ripemd160"), "ripemd160"),
    "sha3": "sha3",
    "sm3": "sm3",
    "whirlpool": "whirlpool",
}
_WIDTHS = {
    **{name: width for width, name in DIGEST_LENGTHS.items()},
    **{f"sha3_{bits}": bits // 4 for bits in (224, 256, 384, 512)},
    **{f"sha512_{bits}": bits // 4 for bits in (224, 256)},
    **dict.fromkeys(("blake2s", "blake3", "sm3"), 64),
    **dict.fromkeys(("blake2b", "whirlpool"), 128),
    "ripemd160": 40,
}

# the patterns are ours and run on one bounded line each, so the standard engine is safe here
_BSD = re.compile(r"(\\?)(?:#\s+)?([A-Za-z][A-Za-z0-9/_-]*) ?\((.+)\) ?= ?([0-9a-fA-F]+)")
_GNU = re.compile(r"(\\?)([0-9a-fA-F]{32,128})[ \t]+(?:\*[ \t]*)?(\S.*)")
_TWO = re.compile(r"[0-9a-fA-F]{32,128}[ \t]")
_DEB822 = re.compile(r"[ \t]+([0-9a-fA-F]{32,128})[ \t]+([0-9]{1,18})[ \t]+(\S+)")
_BARE = re.compile(r"[0-9a-fA-F]{32,128}")
_LABELLED = re.compile(r"([A-Za-z0-9./~][\w./+~%,@()-]*)(?:\s*[:=]\s*|\s+)([0-9a-fA-F]{32,128})")
_TAGGED = re.compile(r"([A-Za-z][\w/-]*)(?:\s*[:=]\s*|\s+)([0-9a-fA-F]{32,128})\s+\*?(\S.*)")
_SIZE = re.compile(r"#\s*(\S.*?):\s*([0-9]{1,18})\s+bytes")
_HEADING = re.compile(
    r"([\[(#=*_+~ -]*)([A-Za-z][A-Za-z0-9/-]*?)[-_ ]?(sums?|hash(?:es)?|checksums?|digests?)?(?:\.txt)?[\])#=*_+~: -]*",
    re.IGNORECASE,
)
_ANNOUNCEMENT = re.compile(r"#.*|.*:")
_LONGEST_HEADING = 100


@dataclass(frozen=True)
class DigestEntry:
    """One digest of one file. `name` is as written, with its directories ("" for a bare hash); `digest` in lower-case
    hexadecimal; `algorithm` under hashlib's name, or the document's own word when hashlib has none (blake3); `size` in bytes.
    """

    name: str
    algorithm: str
    digest: str
    size: int | None = None


@dataclass(frozen=True)
class Section:
    """What the lines below a heading have. `certain` where the heading is nothing but the algorithm's name: a digest of
    another length is none then. A heading that only speaks of one decides between digests of equal length.
    """

    algorithm: str = ""
    certain: bool = True


def algorithm_named(word: str) -> str | None:
    """hashlib's name for the way a document spells an algorithm (`SHA2-256`, `B2`); None for a word that names none."""
    plain = re.sub(r"[^a-z0-9]", "", word.lower())
    return _KNOWN.get(re.sub(r"(?<=[\dlbs])sums?$", "", plain))


def tidy(name: str) -> str:
    """A name as it is compared: without `./` in front, and without the dot of a sentence that ends in a file name."""
    return name.strip().removeprefix("./").rstrip(".")


def size_comment(line: str) -> tuple[str, int] | None:
    """Name and bytes of a comment such as `# name: N bytes`."""
    found = _SIZE.fullmatch(line)
    return (tidy(found[1]), int(found[2])) if found else None


def entry_of(raw: str, section: Section, *, prose: bool = False) -> DigestEntry | None:
    """The digest that a line tells; None when it tells none. An entry of the algorithm `size` tells a size.

    `raw` keeps its indentation, by which Debian's `Release` form is known. In prose a word before a digest names nothing.
    """
    line = raw.strip()
    if tagged := _BSD.fullmatch(line):
        return _bsd_entry(tagged[2], _unescaped(tagged[3], tagged[1]), tagged[4])
    if sized := _DEB822.fullmatch(raw.rstrip()):
        return _sized(_checked(tidy(sized[3]), section, sized[1]), int(sized[2]))
    if named := _GNU.fullmatch(line):
        if _TWO.match(named[3]):
            return None  # two digests and one name: there is no telling which algorithms they are
        return _checked(_unquoted(_unescaped(tidy(named[3]), named[1])), section, named[2])
    if _BARE.fullmatch(line):
        return _checked("", section, line)
    if (tagged := _TAGGED.fullmatch(line)) and (algorithm := algorithm_named(tagged[1])):
        return _checked(_unquoted(tidy(tagged[3])), Section(algorithm), tagged[2])
    if labelled := _LABELLED.fullmatch(line):
        return _labelled(labelled[1], labelled[2], section, prose=prose or bool(re.search(r"[:=]", line)))
    return None


def _labelled(word: str, digest: str, section: Section, *, prose: bool) -> DigestEntry | None:
    """`SHA256: HASH` is a bare hash with its algorithm, `ventoy-1.0.99-livecd.iso: HASH` a hash with its file."""
    algorithm = algorithm_named(word)
    if algorithm:
        return _checked("", Section(algorithm), digest)
    # a mere word in front of a digest is no file, unless it looks like one
    return _checked(tidy(word), section, digest) if prose or "." in word else None


def _bsd_entry(tag: str, name: str, value: str) -> DigestEntry | None:
    if tag.upper() == "SIZE":
        return DigestEntry(tidy(name), "size", value) if re.fullmatch(r"[0-9]{1,18}", value) else None
    # a tag nobody knows keeps its own word, so that it is never taken for something it is not
    return _checked(tidy(name), Section(algorithm_named(tag) or tag.lower()), value)


def _sized(entry: DigestEntry | None, size: int) -> DigestEntry | None:
    return DigestEntry(entry.name, entry.algorithm, entry.digest, size) if entry else None


def _checked(name: str, section: Section, digest: str) -> DigestEntry | None:
    algorithm = section.algorithm
    if algorithm and not section.certain and _WIDTHS.get(algorithm) != len(digest):
        algorithm = ""
    algorithm = algorithm or DIGEST_LENGTHS.get(len(digest), "")
    if not algorithm or _WIDTHS.get(algorithm, len(digest)) != len(digest):
        return None
    return DigestEntry(name, algorithm, digest.lower())


def _unescaped(name: str, backslash: str) -> str:
    r"""coreutils writes a backslash before a line whose name has `\n`, `\r` or `\\` in it."""
    if not backslash:
        return name
    return re.sub(r"\\([\\nr])", lambda found: {"n": "\n", "r": "\r"}.get(found[1], "\\"), name)


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] and name[0] in "\"'" else name


def section_of(line: str) -> Section | None:
    """The section that a heading opens: `### SHA256SUMS:`, `# WHIRLPOOL HASH`, `sha256`, `[b2]`; None when it opens none."""
    if len(line) > _LONGEST_HEADING:
        return None
    heading = _HEADING.fullmatch(line)
    if heading is not None:
        known = algorithm_named(heading[2])
        if known or ("#" in heading[1] and heading[3]):
            return Section(known or heading[2].lower())
    return _spoken_of(line)


def _spoken_of(line: str) -> Section | None:
    """A comment, or a line that ends in a colon, which speaks of one algorithm: `# BLAKE3 digests of the images`."""
    if not _ANNOUNCEMENT.fullmatch(line):
        return None
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*(?:[-_/][0-9]+)*", line)
    named = {algorithm for word in words if (algorithm := algorithm_named(word))}
    return Section(named.pop(), certain=False) if len(named) == 1 else None


Subject = Callable[[str], str]
"""Which file a line of prose is about; "" for none."""
