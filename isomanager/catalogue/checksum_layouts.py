"""Checksum documents that tell one digest on several lines, or whose columns have a heading: rewritten a line a digest. Pure.

GnuPG (`gpg --print-md`: digits in groups, folded below the name), Windows (`certutil -hashfile`: the name on the line above, in
whichever language; `Get-FileHash | Format-List`: a field a line), files named above their digests (INI, YAML, read-me files),
tables (CSV, hashdeep, Markdown, 7-Zip). What is left is told in sentences: `SHA256 of x.iso is HASH`.

Whatever is none of these passes through as it is. A digest that stands below a file's name is that file's, and nobody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from isomanager.catalogue.checksum_forms import DIGEST_LENGTHS, Section, algorithm_named, entry_of

_ORDINARY = re.compile(r"\\?[0-9a-fA-F]{32,128}[ \t]+\*?\S|[A-Za-z0-9-]+ ?\(.+\) ?= |#")
_GROUPS = re.compile(r"[0-9A-Fa-f]{2,8}(?: {1,2}[0-9A-Fa-f]{2,8})+")
_COLONS = re.compile(r"(.+):(\d{1,2}):([0-9A-F]{32,128}):")
_RIPEMD160 = "3"  # RFC 9580, 9.5; of the others the length tells which they are
_AS_FINGERPRINTS = 4
"""Groups of so many digits, without a file or an algorithm, are a key's fingerprint."""
_FIELD = re.compile(r"[ \t]*(?:[-*] )?\"?([A-Za-z][A-Za-z0-9 _/-]{0,30}?)\"?[ \t]*[:=][ \t]*(\S.*)")
_BARE = re.compile(r"(?:([A-Za-z][\w/-]*)\s*[:=]\s*)?[\"']?([0-9a-fA-F]{32,128})[\"']?,?")
_HEX = re.compile(r"[0-9a-fA-F]+")
_IMAGE = re.compile(
    r"(?i)[^\s\"'`*<>|]+\.(?:iso|img|raw|qcow2|vmdk|vdi|vhdx?|ova|wim|esd|xz|gz|bz2|zst|zip|7z|usb|efi|bin|tar|tgz)"
)
_CERTUTIL = re.compile(r"([A-Z0-9]+) hash of (?:file )?(.+):")
_NAMES = frozenset({"name", "filename", "file", "file name", "path", "image", "iso"})
_DIGESTS = frozenset({"hash", "digest", "checksum"})
_LONGEST_HEADING = 200
_OTHERS = frozenset({"algorithm", "size", "date", "time", "bytes"})


def unfolded(lines: Iterable[str]) -> Iterator[str]:
    """The same document with every digest on a line of its own, beside the name of its file."""
    given = list(lines)
    if all(map(_ORDINARY.match, given)):
        yield from given
        return
    told = _tables(given)
    told = _groups(list(told))
    told = _stanzas(list(told))
    for line in _named_above(told):
        yield _sentence(line) or line


def _told(name: str, algorithm: str, digest: str) -> str:
    return f"{algorithm} ({name}) = {digest}" if algorithm else f"{digest}  {name}"


def _groups(lines: Sequence[str]) -> Iterator[str]:
    """GnuPG's groups of digits, and those of the first versions of certutil, put together."""
    place = 0
    while place < len(lines):
        name, algorithm, digits = _group_heading(lines[place].strip())
        after = place + 1
        if not digits and name and after < len(lines):
            algorithm, digits = _assigned(lines[after].strip())
            after += bool(digits)
        width = len(digits.split(" ")[0])
        while digits and after < len(lines) and _continues(lines[after].strip(), width):
            digits += f" {lines[after].strip()}"
            after += 1
        whole = digits.replace(" ", "")
        is_told = bool(algorithm or _is_file(name.split()[-1])) if name.strip() else width != _AS_FINGERPRINTS
        is_digest = len(whole) in DIGEST_LENGTHS and is_told
        yield from [_told(name, algorithm, whole) if name else whole] if is_digest else lines[place:after]
        place = after


def _group_heading(line: str) -> tuple[str, str, str]:
    """Name, algorithm and digits of a line that begins a digest in groups; "" for what it does not tell."""
    if colons := _COLONS.fullmatch(line):
        return colons[1], "RIPEMD160" if colons[2] == _RIPEMD160 else "", colons[3]
    if _is_groups(line):
        return "", "", line
    if line.endswith(":") and len(line) <= _LONGEST_HEADING:  # a heading that names the algorithm is certutil's
        return ("" if _spoken_of(line)[1] else line[:-1]), "", ""
    name, colon, rest = line.rpartition(": ")
    algorithm, digits = _assigned(rest.strip()) if colon else ("", "")
    return (name, algorithm, digits) if digits else ("", "", "")


def _assigned(text: str) -> tuple[str, str]:
    """`SHA256 = DIGITS`, or the digits alone."""
    algorithm, equal, digits = text.rpartition(" = ")
    if not _is_groups(digits) or (equal and algorithm_named(algorithm) is None):
        return "", ""
    return algorithm.strip(), digits


def _is_groups(text: str) -> bool:
    return _GROUPS.fullmatch(text) is not None and len({len(group) for group in text.split()}) == 1


def _continues(line: str, width: int) -> bool:
    return len(line.split(" ")[0]) == width and (
        _is_groups(line) or (len(line) == width and bool(_HEX.fullmatch(line)))
    )


def _stanzas(lines: Sequence[str]) -> Iterator[str]:
    """Runs of `field: value` lines of which one names the file; a field that comes again begins the next file."""
    run: list[str] = []
    fields: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line)
        key = found[1].lower() if found else ""
        if not found and fields and _wraps(line, last := next(reversed(fields))):
            fields[last] += line.strip()
            run.append(line)
            continue
        if not found or key in fields:
            yield from _stanza(fields) or run
            run, fields = [], {}
        if found:
            run.append(line)
            fields[key] = found[2].strip()
        else:
            yield line
    yield from _stanza(fields) or run


def _wraps(line: str, key: str) -> bool:
    """Whether a line is the rest of a digest that Format-List has broken at the width of a window."""
    return line[:1].isspace() and key in _DIGESTS and bool(_HEX.fullmatch(line.strip()))


def _stanza(fields: dict[str, str]) -> list[str]:
    name = next((text.strip("\"'") for key, text in fields.items() if key in _NAMES), "")
    told = [
        _told(name, algorithm, bare[2])
        for key, text in fields.items()
        if (bare := _BARE.fullmatch(text)) and (algorithm := _field_algorithm(key, fields)) is not None
    ]
    return told if name else []


def _field_algorithm(key: str, fields: dict[str, str]) -> str | None:
    if key in _DIGESTS:
        return fields.get("algorithm", "")
    return key if algorithm_named(key) else None


def _named_above(lines: Iterable[str]) -> Iterator[str]:
    """Digests without a name that stand below a line which is a file's name, or speaks of it."""
    name = algorithm = ""
    for line in lines:
        bare = _BARE.fullmatch(line.strip())
        if bare is None:
            name, algorithm = _heading(line.strip())
            yield line
        elif name and (bare[1] is None or algorithm_named(bare[1])):
            yield _told(name, bare[1] or algorithm, bare[2])
        else:
            yield line


def _heading(line: str) -> tuple[str, str]:
    """The file, and the algorithm ("" for none), that a line announces: `x.iso:`, `[x.iso]`, `SHA256 hash of x.iso:`."""
    if certutil := _CERTUTIL.fullmatch(line):
        return certutil[2], certutil[1] if algorithm_named(certutil[1]) else ""
    plain = line.strip("[]#*=`\"' \t:：")
    if _is_file(plain):
        return plain, ""
    if not line.endswith((":", "：")) or len(line) > _LONGEST_HEADING:
        return "", ""
    files, algorithms = _spoken_of(line)
    return (files[0], algorithms[0]) if len(files) == 1 == len(algorithms) else ("", "")


def _is_file(text: str) -> bool:
    return _IMAGE.fullmatch(text) is not None


def _spoken_of(line: str) -> tuple[list[str], list[str]]:
    """The files and the algorithms among the words of a line."""
    words = [word.strip("()[]\"'`*,:：") for word in line.split()]
    files = [word for word in words if _is_file(word)]
    kinds = [piece for word in words for piece in (word, word.partition("-")[0]) if algorithm_named(piece)]
    return list(dict.fromkeys(files)), list(dict.fromkeys(map(_kind, kinds)))


def _kind(word: str) -> str:
    return (algorithm_named(word) or "").upper().replace("_", "-")


def _sentence(line: str) -> str:
    """`SHA256 of x.iso is HASH` and its like as a plain line; "" for what is none, or has a form of its own."""
    before, _, digest = line.strip().rpartition(" ")
    if len(digest) not in DIGEST_LENGTHS or not _HEX.fullmatch(digest) or entry_of(line, Section()):
        return ""
    files, algorithms = _spoken_of(before)
    return _told(files[0], algorithms[0], digest) if len(files) == 1 == len(algorithms) else ""


def _tables(lines: Sequence[str]) -> Iterator[str]:
    """Tables whose heading says which column is the name and which are digests."""
    columns: list[str] = []
    mark = ""
    for line in lines:
        found = _columns(line)
        if found:
            mark, columns = found
            continue
        cells = _cells(line, mark, len(columns)) if columns else []
        if columns and line.lstrip(" |")[:2] in ("--", ":-", "##"):
            continue
        if columns and len(cells) != len(columns):
            columns = []
        yield from _row(columns, cells) if columns else [line]


def _columns(line: str) -> tuple[str, list[str]] | None:
    """The mark between the columns ("" for blanks) and their names, when a line is the heading of a table of digests."""
    plain = line.strip().lower().lstrip("%#").strip()
    if len(plain) > _LONGEST_HEADING or " = " in plain:
        return None
    for mark in ("|", ",", ";", "\t", ""):
        cells = _cells(plain, mark)
        digests = [cell for cell in cells if cell in _DIGESTS or algorithm_named(cell)]
        told = bool(digests) and sum(cell in _NAMES for cell in cells) == 1
        if told and (mark or all(cell in _NAMES | _OTHERS or cell in digests for cell in cells)):
            return mark, cells
    return None


def _cells(line: str, mark: str, count: int = 0) -> list[str]:
    if not mark:
        return line.split(None, count - 1) if count else line.split()
    return [cell.strip(" \t\"'`") for cell in line.strip().strip("|" if mark == "|" else "").split(mark)]


def _row(columns: list[str], cells: list[str]) -> Iterator[str]:
    row = dict(zip(columns, cells, strict=True))
    name = next(row[column] for column in columns if column in _NAMES).strip()
    for column, text in row.items():
        algorithm = _field_algorithm(column, row)
        if algorithm is not None and _HEX.fullmatch(text) and len(text) in DIGEST_LENGTHS:
            yield _told(name, algorithm, text)
