"""Why: of an image, why it is here, why it stays or goes, how it is trusted, and what would change that. Looks only.

What upstream offers is taken from its last good answers; nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from isomanager.errors import PermanentError, UsageError
from isomanager.inventory.searching import CopySearch
from isomanager.library.checking import copies_called
from isomanager.library.knowing import last_good_told
from isomanager.library.opening import Library
from isomanager.library.pruning import guards_for
from isomanager.library.trash import stays_until
from isomanager.model import Assurance, Copy, CopyState, Expectation, Quarantined, Selector, Subscription, Title, Value
from isomanager.planning.deciding import Rules
from isomanager.planning.judging import judge_retention
from isomanager.planning.shelf import SUBSCRIPTION_SOURCE
from isomanager.planning.verdicts import Reason
from isomanager.planning.wanting import Resolution, Want
from isomanager.trust.explaining import explain


class Answer(Value):
    """One thing that is asked about: a copy, or a title that is not held. Each pair is a word and a sentence.

    `fate` is `stays`, `goes`, `suspect`, `trashed`, `unfinished`, `gone` or `absent`.
    """

    image: str
    repository: str = ""
    path: str = ""
    fate: str
    here: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str, str], ...] = ()
    trust: tuple[tuple[str, str], ...] = ()

    @property
    def facts(self) -> Iterator[tuple[str, object]]:
        """Names and values in the order in which a person asks."""
        yield "image", self.image
        if self.path:
            yield "path", f"{self.path} in {self.repository}"
        yield from (("here because", told) for told in self.here)
        for _, told, change in self.reasons:
            yield self.fate, told
            if change:
                yield "would change", change
        yield from self.trust


def why(library: Library, name: str) -> tuple[Answer, ...]:
    """An answer for every copy of that path, title, id, product or selector; for a selector of which none is here, why not.

    UsageError for what is neither.
    """
    copies = copies_called(library, [name], CopySearch(states=()))
    present = [one for one in copies if one.state is not CopyState.GONE]
    if present:
        return tuple(_judged(library, present))
    if copies:
        newest = max(copies, key=lambda one: one.changed_at)
        reason = ("gone", newest.reason, f"`isomanager download '{_selector_of(newest.title)}'` fetches it again")
        refused = [one for one in library.inventory.quarantined() if one.title == newest.title]
        reasons = (*map(_refused, refused), reason)
        sources = _sources(library, newest, library.inventory.subscriptions())
        return (_answer(newest, "gone", reasons, sources, ()),)
    return (_absent(library, name),)


def _judged(library: Library, copies: Sequence[Copy]) -> Iterator[Answer]:
    subscriptions = library.inventory.subscriptions()
    wants = [_last_answer(library, one) for one in subscriptions]
    guards = guards_for(library, {copy.repository for copy in copies})
    rules = Rules(library.selects, guards, reaches=library.reaches)
    verdicts = judge_retention(copies, wants, library.inventory, rules, now=library.now())
    for copy in copies:
        verdict = verdicts.get(copy.id)
        fate = ("stays" if verdict.stays else "goes") if verdict else _FATES.get(copy.state, "unfinished")
        reasons = verdict.reasons if verdict else (_state_told(library, copy),)
        held = library.inventory.held(copy.title, copy.repository)
        told = tuple((one.code, one.text, one.change) for one in (*reasons, *_respins(copy, held)))
        receipts = library.inventory.receipts(copy.sha256 or "")
        trust = tuple(pair for receipt in receipts if receipt.title == copy.title for pair in explain(receipt))
        yield _answer(copy, fate, told, _sources(library, copy, subscriptions), trust)


_FATES = {CopyState.SUSPECT: "suspect", CopyState.TRASHED: "trashed", CopyState.RETIRING: "goes"}


def _last_answer(library: Library, subscription: Subscription) -> Want:
    """The subscription beside what upstream answered last, as if it answered so again."""
    last = library.inventory.last_good(subscription.selector)
    if last is None:
        return Want(subscription, ())
    expectations = (
        Expectation(offer=one, digests=one.digests, size=one.size, assurance=Assurance.NONE) for one in last.offers
    )
    return Want(subscription, tuple(Resolution(expectation=one) for one in expectations))


def _state_told(library: Library, copy: Copy) -> Reason:
    if copy.state is CopyState.TRASHED:
        restore = f"`isomanager trash restore '{copy.path}'` until {stays_until(library, copy):%Y-%m-%d}"
        return Reason("trashed", copy.reason, restore)
    if copy.state is CopyState.SUSPECT:
        return Reason("suspect", f"{copy.reason}; it is not served", f"`isomanager verify --repair '{copy.path}'`")
    return Reason(copy.state.value, copy.reason or "an interrupted run left it", "the next update settles it")


def _respins(copy: Copy, of_title: Iterable[Copy]) -> Iterator[Reason]:
    """The other copies of the very title with other bytes: a vendor published the same version twice."""
    for one in of_title:
        if one.sha256 != copy.sha256:
            text = f"re-spin: {one.path} has the same title and other bytes ({(one.sha256 or '')[:12]}…); both are kept"
            yield Reason("re-spin", text, "a newer version replaces both")


def _sources(library: Library, copy: Copy, subscriptions: Iterable[Subscription]) -> tuple[str, ...]:
    source = copy.source
    if not source.startswith(SUBSCRIPTION_SOURCE):
        return (f"it came by {source or 'hand'} on {copy.created_at:%Y-%m-%d}",)
    known = {one.id: one for one in subscriptions}
    brought = known.get(source.removeprefix(SUBSCRIPTION_SOURCE))
    name = str(brought.selector) if brought else "a subscription that there no longer is"
    also = [f"{one.selector} selects it too" for one in known.values() if one != brought and _wants(library, one, copy)]
    return (f"{name} brought it in on {copy.created_at:%Y-%m-%d}", *also)


def _wants(library: Library, subscription: Subscription, copy: Copy) -> bool:
    return copy.repository in subscription.repositories and library.selects(subscription, copy.title)


def _answer(
    copy: Copy,
    fate: str,
    reasons: tuple[tuple[str, str, str], ...],
    here: tuple[str, ...],
    trust: tuple[tuple[str, str], ...],
) -> Answer:
    return Answer(
        image=str(copy.title),
        repository=copy.repository,
        path=copy.path,
        fate=fate,
        here=here,
        reasons=reasons,
        trust=trust,
    )


def _selector_of(title: Title) -> str:
    return f"{title.product}/{title.flavor}@{title.version}"


def _refused(one: Quarantined) -> tuple[str, str, str]:
    told = f"{one.title} was refused on {one.at:%Y-%m-%d}: {one.reason}"
    return ("refused", told, f"other evidence upstream, or `isomanager quarantine release '{one.title}'`")


def _absent(library: Library, name: str) -> Answer:
    """Why nothing of a selector is here."""
    try:
        selector = library.canonical(Selector.parse(name))
    except PermanentError as wrong:
        raise UsageError(f"'{name}' is nothing that is or was held, and no selector.", hint=wrong.hint) from wrong
    reasons = [
        (
            "refused",
            f"{one.title} was refused on {one.at:%Y-%m-%d}: {one.reason}",
            "other evidence upstream, or --force",
        )
        for one in library.inventory.quarantined()
        if library.fits(selector, one.title)
    ]
    subscribed = [one for one in library.inventory.subscriptions() if one.selector.product == selector.product]
    for one in subscribed:
        last = last_good_told(library, one, library.now()) or "upstream never gave a good answer for it"
        reasons.append(
            ("subscribed", f"{one.selector} is subscribed to, and {last}", f"`isomanager update {one.selector}`")
        )
    if not subscribed:
        reasons.append(("unwanted", "no subscription asks for it", f"`isomanager subscribe {selector}`"))
    return Answer(image=str(selector), fate="absent", reasons=tuple(reasons))
