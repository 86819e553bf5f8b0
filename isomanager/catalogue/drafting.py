"""A product file from a few answers: where an image is, and what proves it. The patterns are guessed from the example. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from isomanager.errors import UsageError
from isomanager.model import ARCHITECTURE_ALIASES, Family, Value, architecture

_PACKINGS = {".bz2": "bz2", ".gz": "gz", ".xz": "xz", ".zip": "zip"}
_ENDINGS = (".iso", ".img")
_SPELLINGS = sorted(
    {*ARCHITECTURE_ALIASES, *(one for names in ARCHITECTURE_ALIASES.values() for one in names), "s390x", "ppc64"},
    key=len,
    reverse=True,
)
_FORMS = (
    (r"\d+(?:\.\d+)+-\d+(?!\d|\.\d|-?[A-Za-z])", r"\d+(?:\.\d+)+-\d+"),  # 9.2-1
    (r"\d+(?:\.\d+)+", r"\d+(?:\.\d+)+"),  # 24.04.3
    (r"\d{4}-\d{2}-\d{2}", r"\d{4}-\d{2}-\d{2}"),
    (r"(?<!\d)\d{8}(?!\d)", r"\d{8}"),
    (r"(?<![A-Za-z0-9])v?\d+(?![A-Za-z0-9])", r"\d+"),
)
"""Forms of versions, the most telling first: how one is found in an example, and what the pattern says of it."""
_GITHUB = re.compile(r"https://github\.com/(?P<repository>[\w.-]+/[\w.-]+)/releases/download/(?P<tag>[^/]+)/")


class Draft(Value):
    """What a person says of a product of their own. `example` is the address of one of its images; `checksums` that of the
    document with its digest, `signature` that of the signature over it, `key` the signer's full fingerprint."""

    id: str
    name: str = ""
    family: Family = Family.CUSTOM
    example: str
    checksums: str = ""
    signature: str = ""
    key: str = ""
    facts: str = ""


@dataclass(frozen=True)
class Guess:
    """What an example's file name tells: a pattern that fits it, its version, its architecture as upstream spells it ("" when
    the name does not tell)."""

    pattern: str
    version: str
    arch: str = ""


def guess_pattern(name: str) -> Guess:
    """A pattern for file names like this one. Raises UsageError when no version can be seen in it."""
    spot = _architecture_in(name)
    masked = name if spot is None else name[: spot[0]] + "#" * (spot[1] - spot[0]) + name[spot[1] :]
    body = masked.removesuffix(packing_of(name)[0])
    for seen, form in _FORMS:
        found = re.search(seen, body)
        if found is not None:
            start = found.start() + found[0].startswith("v")
            marks = [(start, found.end(), f"(?P<version>{form})")]
            marks += [(*spot, f"(?P<arch>{'|'.join(map(_escaped, _rivals(name[spot[0] : spot[1]])))})")] if spot else []
            return Guess(_marked(name, sorted(marks)), name[start : found.end()], name[slice(*spot)] if spot else "")
    raise UsageError(
        f"No version can be seen in '{name}'.",
        hint="Give the address of an image whose name has its version, or write the product file by hand (docs/add-an-os.md).",
    )


def packing_of(name: str) -> tuple[str, str]:
    """The ending by which a packed file is known, and its kind; ("", "") for one that is not packed."""
    return next(((ending, kind) for ending, kind in _PACKINGS.items() if name.lower().endswith(ending)), ("", ""))


def _architecture_in(name: str) -> tuple[int, int] | None:
    for spelling in _SPELLINGS:
        found = re.search(rf"(?<![A-Za-z0-9]){re.escape(spelling)}(?![A-Za-z0-9])", name, re.IGNORECASE)
        if found is not None:
            return found.span()
    return None


def _rivals(spelling: str) -> tuple[str, ...]:
    """The spelling itself, and how the same vendor would spell the other usual one."""
    pairs = {"amd64": "arm64", "x86_64": "aarch64", "x64": "arm64"}
    other = pairs.get(spelling) or next((one for one, two in pairs.items() if two == spelling), "")
    return tuple(filter(None, (spelling, other)))


def _marked(name: str, marks: list[tuple[int, int, str]]) -> str:
    pieces, place = [], 0
    for start, end, group in marks:
        pieces += [_escaped(name[place:start]), group]
        place = end
    return "".join([*pieces, _escaped(name[place:])])


def _escaped(text: str) -> str:
    return re.sub(r"([.+*?^$(){}|\[\]\\])", r"\\\1", text)


def drafted(draft: Draft) -> dict[str, Any]:
    """The product file's fields. Raises UsageError when the example is no address of an image, or tells no version."""
    parts = urlsplit(draft.example)
    name = unquote(posixpath.basename(parts.path))
    if parts.scheme not in ("https", "http") or not parts.hostname or not name:
        raise UsageError(
            f"'{draft.example}' is not the address of an image.", hint="It looks like https://host/folder/name-1.2.iso."
        )
    if not name.lower().removesuffix(packing_of(name)[0]).endswith(_ENDINGS):
        raise UsageError(
            f"'{name}' is not the name of an image.", hint=f"It ends in {' or '.join(_ENDINGS)}, packed or not."
        )
    guess = guess_pattern(name)
    github = _GITHUB.match(draft.example)
    offer = _github_entry(github["repository"]) if github else _entry(draft, guess, name)
    packing = packing_of(name)[1]
    product: dict[str, Any] = {"id": draft.id, "name": draft.name or draft.id, "family": draft.family.value}
    product |= {"architectures": [architecture(guess.arch)]} if guess.arch else {}
    product |= {"status": "unconfirmed", "facts": draft.facts or f"Drafted from {draft.example}."}
    product |= {"file": guess.pattern}
    product |= {"source": {"allow_http": True, "allow_private": True}} if parts.scheme == "http" else {}
    if name.lower().removesuffix(packing_of(name)[0]).endswith(".img"):
        product["flavors"] = {"vanilla": {"endings": [".img"]}}
    product["offers"] = [offer | ({"unpack": {"kind": packing}} if packing else {})]
    proof = [{}] if github else _proof(draft, guess, name)
    return product | ({"proof": proof} if proof else {})


def _github_entry(repository: str) -> dict[str, Any]:
    """Releases by GitHub's API, which gives sizes and digests of the files."""
    api = f"https://api.github.com/repos/{repository}/releases"
    return {
        "strategy": "api",
        "steps": [{"url": [api, f"{api}/latest"]}],
        "select": "[@][] | [?!draft]",
        "each": "assets",
        "fields": {
            "file": "name",
            "url": "browser_download_url",
            "size": "size",
            "digest": "digest",
            "prerelease": "parent.prerelease",
        },
    }


def _entry(draft: Draft, guess: Guess, name: str) -> dict[str, Any]:
    """The steps down the folders that are named for a version, to the checksum document or the listing beside the image."""
    folder = draft.example[: draft.example.rindex("/") + 1]
    steps = _steps(folder, guess.version)
    beside = draft.checksums.removeprefix(folder)
    if draft.checksums and beside != draft.checksums and "/" not in beside and name not in beside:
        steps[-1] = {"url": steps[-1]["url"] + _named(beside, guess)}
        return {"strategy": "checksums", "steps": steps}
    return {"strategy": "listing", "steps": steps}


def _steps(folder: str, version: str) -> list[dict[str, Any]]:
    scheme, _, rest = folder.partition("://")
    host, *folders = rest.rstrip("/").split("/")
    steps: list[dict[str, Any]] = []
    url = f"{scheme}://{host}/"
    for one in folders:
        release = _release_in(one, version)
        if release is None or any("pick" in step for step in steps):
            url += f"{'{release}' if release is not None and one == release else one}/"
            continue
        before, after = (_escaped(piece) for piece in one.split(release, 1))
        steps.append({"url": url, "pick": rf"{before}(?P<release>\d+(?:[.-]\d+)*){after}/"})
        url = one.replace(release, "{release}", 1) + "/"
    return [*steps, {"url": url}]


def _release_in(folder: str, version: str) -> str | None:
    """The part of a folder's name that is the version, or its series."""
    found = re.search(r"\d+(?:[.-]\d+)*", unquote(folder))
    if found is None:
        return None
    told = found[0]
    return told if told == version or version.startswith((f"{told}.", f"{told}-")) else None


def _proof(draft: Draft, guess: Guess, name: str) -> list[dict[str, Any]]:
    if not draft.checksums and not draft.signature:
        return []
    proof: dict[str, Any] = {"document": _template(draft.checksums, draft, guess, name)} if draft.checksums else {}
    if draft.signature:
        if not draft.key:
            raise UsageError(
                "A signature needs the signer's key.", hint="Give its full fingerprint, 40 hexadecimal digits."
            )
        over = {} if draft.checksums else {"over": "file"}
        near = draft.signature.removeprefix(draft.checksums or draft.example)
        base = "{document}" if draft.checksums else "{url}"
        url = f"{base}{near}" if near != draft.signature else _template(draft.signature, draft, guess, name)
        kind = {".minisig": "minisign"}.get(posixpath.splitext(draft.signature)[1], "openpgp")
        proof |= {"signature": {"kind": kind, "url": url, **over}, "keys": [draft.key]}
    return [proof]


def _template(url: str, draft: Draft, guess: Guess, name: str) -> str:
    """An address with what changes from release to release as `{names}`."""
    folder = draft.example[: draft.example.rindex("/") + 1]
    told = url.replace(folder, "{folder}", 1) if url.startswith(folder) else url.replace(guess.version, "{version}")
    return told.replace(name, "{file}")


def _named(document: str, guess: Guess) -> str:
    return document.replace(guess.version, "{release}") if guess.version in document else document
