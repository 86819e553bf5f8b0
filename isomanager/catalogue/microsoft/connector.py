"""The download connector's sequence: page, session, languages, links. Documents come through the door; every decision is pure.

One new session for each try, for the server only answers about the last list it gave to a session. What is known from before is
not asked for again; whether anything may be asked, `day_links` decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from isomanager.catalogue.documents import DocumentSource, ask
from isomanager.catalogue.microsoft import choosing
from isomanager.catalogue.microsoft.day_links import (
    Asking,
    KnownLinks,
    LinkKeeper,
    after_refusal,
    may_not_ask,
    with_failure,
)
from isomanager.catalogue.microsoft.download_page import DownloadPage, read_page
from isomanager.catalogue.microsoft.handshake import handshake_numbers
from isomanager.catalogue.microsoft.linked_files import linked_files
from isomanager.catalogue.microsoft.naming_files import told_by_title
from isomanager.catalogue.microsoft.replies import Sku, blocked, read_links, read_skus
from isomanager.catalogue.microsoft.rules import ConnectorRules
from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.strategies.candidate import Candidate
from isomanager.catalogue.templates import fill
from isomanager.catalogue.wanted import Wanted
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError
from isomanager.model import DayLink

_TRIES = 3
_MOST_BYTES = 4 << 20


@dataclass
class Connector:
    """One conversation about one entry of a product file and one wanted image."""

    rules: ConnectorRules
    offer: OfferRule
    wanted: Wanted
    documents: DocumentSource
    links: LinkKeeper
    learned: dict[str, Any] = field(default_factory=dict)

    def candidates(self) -> tuple[Candidate, ...]:
        """The image of the wanted language and architecture. A link is asked for only when this image was never heard of.

        Raises ResolveError: blocked, configuration, language-not-offered, architecture-not-offered, edition-not-offered,
        implausible, asked-today, not-found; FetchRefused for answers that are none; transient errors as they are.
        """
        with self._telling_what_is_known():
            page = self._page()
            edition = choosing.edition(page, self.offer, self.wanted)
            self.learned |= {"product_edition_id": edition, "release": page.release if page else ""}
            self.learned["digests"] = choosing.digests_by_language(page, self.wanted) if page else {}
            digest = choosing.digest(page, self.wanted) if page else ""
            known = self.links.recall(self._key(edition)).links
            if known is None or not choosing.is_still_told(known, digest, self.wanted):
                known = self._asked(edition, page)
            self.learned |= {"sku_id": known.sku, "expires": known.told_expiry}
            return (self._candidate(known, edition, page),)

    def address(self, link: DayLink, filename: str) -> str:
        """A signed address that holds, for the file that was offered: the one that is known, else a new one is asked for.

        Raises as `candidates`, and ResolveError(implausible) when another file is to be had now.
        """
        with self._telling_what_is_known():
            known = self.links.recall(self._key(link.edition)).links
            if known is None or not known.holds(self.links.now()):
                known = self._asked(link.edition, None, anew=True)
            file = choosing.file_of(known, self.offer, self.wanted)
            if file.filename != filename:
                raise ResolveError(
                    f"Microsoft now gives {file.filename} in place of {filename}.",
                    code="implausible",
                    hint="Run the update again: it plans with what there is now.",
                )
            return file.url

    def forget(self, link: DayLink) -> None:
        """A link that was refused no longer holds, whatever was said of its end."""
        key = self._key(link.edition)
        with self.links.turn(key):
            asking = self.links.recall(key)
            if asking.links is not None:
                ended = asking.links.model_copy(update={"expires": self.links.now()})
                self.links.remember(key, asking.model_copy(update={"links": ended}))

    def _key(self, edition: str) -> str:
        return f"{edition}-{self.wanted.language}"

    @contextmanager
    def _telling_what_is_known(self) -> Iterator[None]:
        """Every refusal says how far the conversation came, what else can be done, and that it is remembered."""
        try:
            yield
        except (ResolveError, FetchRefused) as wrong:
            learned = {name: value for name, value in self.learned.items() if value}
            if wrong.code != "document-missing":
                learned.pop("digests", None)  # only of use to whoever replays a conversation up to here
            wrong.data = {**learned, **wrong.data}
            if wrong.code in ("blocked", "asked-today", "configuration"):
                wrong.hint = wrong.hint or self._instead()
                wrong.data["instead"] = [*self._selectors_instead(), "by hand"]
            raise

    def _selectors_instead(self) -> list[str]:
        return [fill(one, self.offer.defaults) for one in self.rules.instead]

    def _instead(self) -> str:
        first = "; ".join(f"`isomanager download {one}`" for one in self._selectors_instead())
        return f"Instead, in this order: the evaluation image ({first}); or by hand: {self.offer.facts}"

    # the page

    def _page(self) -> DownloadPage | None:
        """The page, or None when only saved documents are allowed and it is not one of them."""
        lacking: IsoManagerError | None = None
        for url in self.offer.steps[0].url:
            try:
                text = self._text(url)
            except ResolveError as wrong:
                if wrong.code != "document-missing":
                    raise
                lacking = wrong
                continue
            page = read_page(text)
            if not page.options:
                raise self._refused_by_page(page, url)
            return page
        assert lacking is not None  # noqa: S101 - a step has an address
        return None

    def _refused_by_page(self, page: DownloadPage, url: str) -> IsoManagerError:
        if not page.message:
            return FetchRefused(
                f"{url} offers no edition any more.",
                code="bad-data",
                hint="Microsoft's page has changed its form; the product file must follow.",
                url=url,
            )
        code = choosing.message_code(page.message)
        wrong = blocked(page.message, **({"message_code": code} if code else {}), type=9, url=url)
        self._note_refusal(wrong)
        return wrong

    # the session

    def _asked(self, edition: str, page: DownloadPage | None, *, anew: bool = False) -> KnownLinks:
        """New links. Another process may have got them while this one waited for its turn."""
        key = self._key(edition)
        before = self.links.recall(key)
        with self.links.turn(key):
            asking = self.links.recall(key)
            quicker = asking.links is not None and asking.links != before.links
            if asking.links is not None and (quicker or (not anew and asking.links.holds(self.links.now()))):
                return asking.links
            wrong = may_not_ask(asking, self.links.refusal(), self.links.now())
            if wrong is not None:
                raise wrong
            return self._tried(edition, page, key)

    def _tried(self, edition: str, page: DownloadPage | None, key: str) -> KnownLinks:
        for last in (*[False] * (_TRIES - 1), True):
            try:
                known = self._conversation(edition, page, key)
            except (ResolveError, FetchRefused) as wrong:
                refused = choosing.as_refusal(wrong)
                if refused.code == "blocked" and not refused.data.get("retry"):
                    self._note_refusal(refused)
                if last or not choosing.is_worth_another_session(refused):
                    raise refused from None
                wrong_so_far = may_not_ask(self.links.recall(key), self.links.refusal(), self.links.now())
                if wrong_so_far is not None:
                    raise refused from None
                continue
            self.links.remember(key, Asking(links=known))
            return known
        raise AssertionError("the last try returns or raises")

    def _note_refusal(self, wrong: IsoManagerError) -> None:
        self.links.note_refusal(after_refusal(self.links.refusal(), wrong, self.links.now()))

    def _conversation(self, edition: str, page: DownloadPage | None, key: str) -> KnownLinks:
        session = {"session": str(uuid4()), "edition": edition}
        self._shake_hands(session)
        skus = read_skus(self._text(fill(self.rules.skus, session)), _place(self.rules.skus))
        sku = choosing.sku(skus, self.wanted)
        self.learned |= {"sku_id": sku.id, "product": sku.product, "language": sku.language}
        self._check_version(sku, page)
        return self._links(session | {"sku": quote(sku.id, safe="")}, sku, page, key)

    def _shake_hands(self, session: dict[str, str]) -> None:
        """Make the session known. Where saved documents stand for upstream, its answers need not be saved: they say nothing."""
        self._said(fill(self.rules.tags, session))
        script = self._said(fill(self.rules.script, session))
        if script is None:
            return
        numbers = handshake_numbers(script)
        if numbers is None:
            raise FetchRefused(
                f"{_place(self.rules.script)} no longer gives the numbers of the handshake.",
                code="bad-data",
                hint="Microsoft has changed its script.",
                url=_place(self.rules.script),
            )
        self.learned |= numbers
        told = session | numbers | {"now": str(int(self.links.now().timestamp() * 1000))}
        self._said(fill(self.rules.answer, told))

    def _check_version(self, sku: Sku, page: DownloadPage | None) -> None:
        told = told_by_title(sku.product)
        version = choosing.version(self.offer, self.wanted, told, page.release if page else "")
        self.learned |= {"version": version.text, "build": ".".join(filter(None, (told.get("build"), told.get("ubr"))))}
        if not choosing.can_be(version, self.wanted):
            raise ResolveError(
                f"{self.wanted} is no longer given: Microsoft only gives its newest release, {version}.",
                hint=f"Get it by hand: {self.offer.facts}",
                versions=[version.text],
            )

    def _links(self, session: Mapping[str, str], sku: Sku, page: DownloadPage | None, key: str) -> KnownLinks:
        now = self.links.now()
        self.links.remember(key, with_failure(self.links.recall(key), now))
        text = self._text(fill(self.rules.links, session), Referer=self.offer.steps[0].url[0])
        links = choosing.checked(read_links(text, _place(self.rules.links)), self.wanted, sku)
        return KnownLinks(
            sku=sku.id,
            language=sku.language,
            product=sku.product,
            files=linked_files(links, page, self.wanted, self.documents),
            asked_at=now,
            told_expiry=links.expires,
            expires=choosing.expiry(links),
        )

    # the door

    def _text(self, url: str, **headers: str) -> str:
        told = {"User-Agent": self.rules.user_agent, **headers}
        return ask(self.documents, url, _MOST_BYTES, told).text

    def _said(self, url: str) -> str | None:
        try:
            return self._text(url)
        except ResolveError as wrong:
            if wrong.code != "document-missing":
                raise
            return None

    def _candidate(self, known: KnownLinks, edition: str, page: DownloadPage | None) -> Candidate:
        file = choosing.file_of(known, self.offer, self.wanted)
        told = told_by_title(known.product) | choosing.told_by_file(file, self.offer, self.wanted)
        version = choosing.version(self.offer, self.wanted, told, page.release if page else "")
        link = DayLink(
            edition=edition,
            sku=known.sku,
            language=known.language,
            page=self.offer.steps[0].url[0],
            expires=known.told_expiry,
        )
        sha256 = choosing.digest(page, self.wanted) if page else file.sha256
        return Candidate(
            name=file.filename,
            url=file.url.partition("?")[0],
            version=version.text,
            groups={"language": self.wanted.language, "arch": self.wanted.architecture, "edition": self.wanted.edition},
            size=file.size,
            digests={"sha256": sha256} if sha256 else {},
            last_modified=file.last_modified,
            link=link,
        )


def connector_for(offer: OfferRule, one: Wanted, documents: DocumentSource, links: LinkKeeper) -> Connector:
    """The conversation about one entry; the product file was checked to say where."""
    rules = one.product.connector
    assert rules is not None  # noqa: S101 - Product._consistent
    return Connector(rules, offer, one, documents, links)


def _place(template: str) -> str:
    return template.partition("?")[0]
