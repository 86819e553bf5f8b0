"""The evaluation centre: a page of links whose query picks the language, each of which leads to a file on a static host.

A link's id says nothing for good: the same id is pointed to newer files, and refreshed images get new ids. So every time the
link is followed by a HEAD request, and the file's own name is held against what was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

from isomanager.catalogue.documents import DocumentSource, Located
from isomanager.catalogue.microsoft.naming_files import contradictions, told_by_name
from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.strategies.candidate import Candidate, name_of_url
from isomanager.catalogue.strategies.listing import looks_like_html
from isomanager.catalogue.telling import version_text
from isomanager.catalogue.wanted import Wanted
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError

_LONGEST_PAGE = 2 << 20
_LONGEST_LABEL = 500
_MOST_FOLLOWED = 6
_FWLINK = re.compile(r"https?://[^/?#\s]+/fwlink/(?:p/)?\?(?:[^\s#]*&)?linkid=\d+(?:&[^\s#]*)?", re.IGNORECASE)
_OTHER_THAN_ISO = re.compile(r"\b(?:VHDX?|Azure|OVA|Hyper-V image)\b", re.IGNORECASE)
_ISO = re.compile(r"\bISO\b", re.IGNORECASE)
_MACHINES = (
    ("aarch64", re.compile(r"\b(?:ARM64|AArch64)\b", re.IGNORECASE)),
    ("x86_64", re.compile(r"\b(?:64[\s-]?bit|AMD64|x64|x86[-_]64)\b", re.IGNORECASE)),
    ("i686", re.compile(r"\b(?:32[\s-]?bit|x86)\b(?![-_]64)", re.IGNORECASE)),
)
_LABELLED_CULTURE = re.compile(r"\(([A-Za-z]{2,3}(?:-[A-Za-z]{4})?-[A-Za-z]{2})\)")


@dataclass(frozen=True)
class EvaluationLink:
    """A link of the page: its address, the language its query picks, and the words it is labelled with."""

    url: str
    culture: str
    label: str


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        address = given.get("href", "").strip()
        if tag == "a":
            self._open = _FWLINK.fullmatch(address) is not None
        if tag == "a" and self._open:
            self.found.append([address, given.get("aria-label", ""), ""])

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._open and len(self.found[-1][2]) < _LONGEST_LABEL:
            self.found[-1][2] += data[:_LONGEST_LABEL]


def evaluation_links(text: str, url: str, hosts: tuple[str, ...]) -> tuple[EvaluationLink, ...]:
    """Every link of the page to one of `hosts` that leads to a download. FetchRefused for a page without any.

    Both forms are read: `fwlink/p/?LinkID=` and `fwlink/?linkid=`, with `&` or `&amp;`, in any case.
    """
    page = _Anchors()
    page.feed(text[:_LONGEST_PAGE])
    page.close()
    links = tuple(
        dict.fromkeys(
            EvaluationLink(address, _culture(address, label), " ".join((label or shown).split()))
            for address, label, shown in page.found
            if is_of(address, hosts)
        )
    )
    if not links:
        raise _no_links(text, url)
    return links


def _no_links(text: str, url: str) -> FetchRefused:
    return FetchRefused(
        f"{url} has no download links{'' if looks_like_html(text) else ', nor is it a web page'}.",
        code="html-instead" if looks_like_html(text) else "bad-data",
        hint="Microsoft has withdrawn the image, or the page has changed its form and the product file must follow.",
        url=url,
    )


def is_of(address: str, hosts: tuple[str, ...]) -> bool:
    """Whether an address is of one of `hosts`, or of a host below one."""
    try:
        host = urlsplit(address).netloc.rpartition("@")[2].lower()
    except ValueError:
        return False
    return any(host == one or host.endswith(f".{one}") for one in hosts)


def _culture(address: str, label: str) -> str:
    """The language a link is for: as its query picks it, else as its label says, else American English."""
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(address).query)}
    labelled = _LABELLED_CULTURE.search(label)
    return query.get("culture", "") or (labelled[1] if labelled else "en-us")


def candidates(
    text: str, url: str, offer: OfferRule, wanted: Wanted, documents: DocumentSource
) -> tuple[Candidate, ...]:
    """The file that the page leads to for the wanted flavor, language and architecture.

    ResolveError: language-not-offered; implausible when what a link leads to is something else than was asked for. FetchRefused
    when no link leads anywhere.
    """
    links = evaluation_links(text, url, offer.hosts)
    ours = [one for one in links if wanted.product.our_language(one.culture) == wanted.language]
    if not ours:
        raise _no_language(links, wanted, url)
    likely = sorted((one for one in ours if _may_be(one, wanted)), key=lambda one: _unlikeliness(one, wanted))
    against: list[str] = []
    wrong: IsoManagerError | None = None
    for link in likely[:_MOST_FOLLOWED]:
        try:
            located = documents.locate(link.url)
        except (FetchRefused, ResolveError) as error:
            wrong = wrong or error
            continue
        said = _against(located, offer, wanted)
        if not said:
            return (_candidate(located, offer, wanted),)
        against.append(f"{name_of_url(located.final_url) or located.final_url.partition('?')[0]}: {', '.join(said)}")
    if against:
        raise _something_else(against, wanted, url)
    raise wrong or _no_architecture(ours, wanted, url)


def _may_be(link: EvaluationLink, wanted: Wanted) -> bool:
    """Whether the label leaves it possible that the link is what is wanted; one that says nothing does."""
    machine = _machine(link.label)
    is_iso = bool(_ISO.search(link.label)) or not _OTHER_THAN_ISO.search(link.label)
    return is_iso and machine in ("", wanted.architecture)


def _machine(label: str) -> str:
    return next((ours for ours, words in _MACHINES if words.search(label)), "")


def _unlikeliness(link: EvaluationLink, wanted: Wanted) -> int:
    """Order by label: ISO and architecture said, and LTSC said just when it is wanted."""
    wants_ltsc = "ltsc" in wanted.flavor_id
    says_ltsc = "ltsc" in link.label.lower() or "ltsb" in link.label.lower()
    return 2 * (wants_ltsc != says_ltsc) + (not _ISO.search(link.label)) + (not _machine(link.label))


def _against(located: Located, offer: OfferRule, wanted: Wanted) -> tuple[str, ...]:
    """What says that the file is something else, or stands where Microsoft's files do not."""
    if not is_of(located.final_url, offer.hosts):
        return (f"it is on {urlsplit(located.final_url).netloc}",)
    return contradictions(name_of_url(located.final_url) or "", offer, wanted)


def _candidate(located: Located, offer: OfferRule, wanted: Wanted) -> Candidate:
    url = located.final_url.partition("?")[0]
    name = name_of_url(url) or ""
    told = {group: text for group, text in (told_by_name(name, offer, wanted) or {}).items() if text}
    known = wanted.product.known.get(name)
    same = known is not None and known.version and located.size in (None, known.size)
    text = known.version if known and same else version_text(wanted.product.version, offer.defaults | told)
    return Candidate(
        name, url, version=wanted.version(text).text, size=located.size, last_modified=located.last_modified
    )


def _no_language(links: Iterable[EvaluationLink], wanted: Wanted, url: str) -> ResolveError:
    there = sorted({wanted.product.our_language(one.culture) for one in links})
    return ResolveError(
        f"{wanted.product.name} ({wanted.flavor_id}) is not offered in '{wanted.language}'.",
        code="language-not-offered",
        hint=f"Offered are {', '.join(there)}.",
        asked=wanted.language,
        languages=there,
        document=url,
    )


def _no_architecture(links: Iterable[EvaluationLink], wanted: Wanted, url: str) -> ResolveError:
    there = sorted({_machine(one.label) for one in links} - {""})
    return ResolveError(
        f"{wanted.product.name} ({wanted.flavor_id}) is not offered as an ISO image for {wanted.architecture}.",
        code="architecture-not-offered",
        hint=f"The page offers {', '.join(there)}." if there else "",
        document=url,
        architectures=there,
    )


def _something_else(against: list[str], wanted: Wanted, url: str) -> ResolveError:
    return ResolveError(
        f"{wanted} was asked for, and the page's link leads to {'; and to '.join(against)}. It is not taken.",
        code="implausible",
        hint=f"Microsoft may have withdrawn the image, or pointed its link elsewhere: see {url}",
        document=url,
        contradictions=against,
    )
