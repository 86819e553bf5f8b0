"""Request: the plan for one image that a person or a pipeline names, by selector or by address."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from isomanager.catalogue.metalink import is_metalink, read_metalink
from isomanager.errors import FetchRefused, Refused, UsageError
from isomanager.library.naming_torrents import NamedTorrent, named_torrent, require_torrent
from isomanager.library.opening import Library
from isomanager.library.resolving import as_resolution, known_nothing, resolve_selector
from isomanager.library.withholding import disclosed
from isomanager.model import (
    Assurance,
    Expectation,
    Family,
    Offer,
    Plan,
    Refusal,
    Selector,
    Subscription,
    Title,
    architecture,
)
from isomanager.planning.plausibility import Known
from isomanager.planning.wanting import Want
from isomanager.storage.addresses import refuse_password
from isomanager.storage.paths import clean_component
from isomanager.storage.sources import is_stored, split_address
from isomanager.transfer.torrent.presence import is_possible
from isomanager.trust.expectation import judge
from isomanager.trust.urls import without_secrets
from isomanager.version import Version, VersionRule

ADDED = "download"
"""The source of what was downloaded on request: no subscription lets it go."""


@dataclass(frozen=True)
class Asked:
    """What is asked for: a selector, or an address with what is known of it.

    `torrent` is a .torrent file, its address, a magnet link or an info hash: the way to take, or all there is.
    """

    selector: str = ""
    architectures: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    editions: tuple[str, ...] = ()
    repository: str = "default"
    url: str = ""
    name: str = ""
    sha256: str = ""
    force: bool = False
    accept_unproved: bool = False
    torrent: str = ""
    accept: bool = False


def plan_download(library: Library, asked: Asked) -> Plan:
    """The plan for the request. Raises UsageError, ResolveError and TransientError."""
    from isomanager.library.planning_updates import plan_wants  # brings the inventory, which a plain file does not need

    asked = replace(asked, url=disclosed(asked.url), torrent=disclosed(asked.torrent))
    selector, judged = _judged(library, asked, lambda title: _known(library, asked, title))
    once = _once(library, asked, selector)
    plan = plan_wants(
        library, [Want(once, tuple(as_resolution(one, accepted=asked.accept) for one in judged))], force=asked.force
    )
    return plan.model_copy(
        update={"actions": tuple(action.model_copy(update={"source": ADDED}) for action in plan.actions)}
    )


def parts_selector(product: str, flavor: str = "", major: str = "", minor: str = "", patch: str = "") -> str:
    """The selector that a form's fields mean, "" when no product is named; UsageError for an exact part right of a latest one."""
    rule = VersionRule.from_parts(major, minor, patch)
    if not product:
        if rule.exact or flavor:
            raise UsageError("A flavor or version was given, but no product.", hint="Choose the product too.")
        return ""
    version = f"@{rule.exact}" if rule.exact else ""
    return f"{product}{f'/{flavor}' if flavor else ''}{version}"


def judge_request(library: Library, asked: Asked) -> Expectation:
    """The one expectation for a request; Refused when its evidence is not good, UsageError when it means several images."""
    _, judged = _judged(library, asked)
    if len(judged) != 1:
        raise UsageError("This means several images; name one architecture, language and edition.")
    if isinstance(judged[0], Refusal):
        hint = (
            "Give its SHA-256 with --sha256, or accept it with --no-verify." if judged[0].code == "below-floor" else ""
        )
        raise Refused(judged[0].reason, code=judged[0].code, hint=hint, filename=judged[0].offer.filename)
    return judged[0]


def require_sense(library: Library, asked: Asked) -> None:
    """Refuse what cannot mean anything, asking nobody: neither or both of selector and address, an unknown product or flavor,
    an address that is none, a digest that is none. Raises UsageError and ResolveError."""
    if (asked.selector and asked.url) or not (asked.selector or asked.url or asked.torrent):
        raise UsageError("Name either a selector or an address to download, not both and not neither.")
    if asked.sha256:
        pinned_sha256(asked.sha256)
    if asked.torrent:
        require_torrent(library, asked.torrent)
    if asked.url:
        _require_address(asked.url)
    elif asked.selector:
        library.canonical(_selector(asked))


def _require_address(url: str) -> None:
    if is_stored(url):
        refuse_password(url)
        split_address(url)
        return
    try:
        pieces = urlsplit(url)
        usable = pieces.scheme in ("https", "http") and bool(pieces.hostname) and pieces.port != 0
    except ValueError:  # a host or port that is none
        usable = False
    if not usable:
        told = without_secrets(url) or "The address"
        raise UsageError(
            f"'{told}' cannot be fetched.", hint="An address begins with https://, s3://, smb:// or nfs://."
        )


def _selector(asked: Asked) -> Selector:
    return Selector.parse(
        asked.selector, architectures=asked.architectures, languages=asked.languages, editions=asked.editions
    )


def _known(library: Library, asked: Asked, title: Title) -> tuple[Known, ...]:
    """What the library holds of what is asked for."""
    from isomanager.library.knowing import known_before

    selector = library.canonical(_selector(asked))
    return known_before(library, _once(library, asked, selector), title)


def _once(library: Library, asked: Asked, selector: Selector) -> Subscription:
    """Planning knows no other kind of wish than a subscription; this one is for one run and never stored."""
    return Subscription(
        id="once", selector=selector, repositories=(asked.repository,), old="keep", created_at=library.now()
    )


def _judged(
    library: Library, asked: Asked, known: Callable[[Title], Sequence[Known]] = known_nothing
) -> tuple[Selector, tuple[Expectation | Refusal, ...]]:
    require_sense(library, asked)
    floor = Assurance.NONE if asked.accept_unproved or not library.settings.always_verify else Assurance.MIRROR
    if not asked.selector:
        offer = custom_offer(library, asked)
        pinned = {"sha256": pinned_sha256(asked.sha256)} if asked.sha256 else None
        judged = judge(offer, (), library.keyring, now=library.now(), floor=floor, pinned_digests=pinned)
        return Selector(product=offer.title.product), (judged,)
    selector = library.canonical(_selector(asked))
    torrents = bool(asked.torrent) or is_possible(library.settings)
    resolved = resolve_selector(library, selector, floor=floor, known=known, accept=asked.accept, torrents=torrents)
    judged_offers = tuple(_by(named_torrent(library, asked.torrent), one) if asked.torrent else one for one in resolved)
    if not asked.sha256:
        return selector, judged_offers
    return selector, tuple(_with_digest(one, pinned_sha256(asked.sha256)) for one in judged_offers)


def _by(torrent: NamedTorrent, judged: Expectation | Refusal) -> Expectation | Refusal:
    """The same image by the torrent that a person named."""
    offer = judged.offer.model_copy(update={"torrent": torrent.torrent})
    return judged.model_copy(update={"offer": offer})


def _with_digest(judged: Expectation | Refusal, sha256: str) -> Expectation | Refusal:
    """The expectation with the user's own digest required too; a refusal where upstream's evidence says another one."""
    if isinstance(judged, Refusal):
        return judged
    claimed = judged.digests.get("sha256", sha256)
    if claimed != sha256:
        said = f"Upstream's SHA-256 of {judged.offer.filename} is {claimed}, not the one that was given ({sha256})."
        return Refusal(offer=judged.offer, code="wrong-digest", reason=said, evidence=judged.evidence)
    return judged.model_copy(
        update={
            "digests": {**judged.digests, "sha256": sha256},
            "assurance": max(judged.assurance, Assurance.PINNED),
            "reasons": (*judged.reasons, "The SHA-256 was given by the user."),
        }
    )


def pinned_sha256(text: str) -> str:
    """The digest in lower case; UsageError when it is none."""
    digest = text.strip().lower()
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise UsageError(f"'{text}' is not a SHA-256: 64 hexadecimal digits are needed.")
    return digest


def custom_offer(library: Library, asked: Asked) -> Offer:
    """An offer for an address or a torrent of the user's own: family custom, the name from there unless one is given."""
    if urlsplit(asked.url).path.endswith((".meta4", ".metalink")):
        return _metalink_offer(library, asked)
    torrent = named_torrent(library, asked.torrent) if asked.torrent else None
    named = torrent.filename if torrent else unquote(posixpath.basename(urlsplit(asked.url).path))
    filename = clean_component(named or "image.iso")
    name = asked.name or filename.removesuffix(".iso")
    # a file at an address has no version of its own: the day it was fetched stands for it
    version = Version(library.now().strftime("%Y.%m.%d"))
    machine = architecture(asked.architectures[0]) if asked.architectures else "x86_64"
    title = Title(
        family=Family.CUSTOM,
        product=clean_component(name).lower().replace(" ", "-"),
        version=version,
        architecture=machine,
        language=asked.languages[0] if asked.languages else "",
        edition=asked.editions[0] if asked.editions else "",
    )
    return Offer(
        title=title,
        filename=filename,
        urls=(asked.url,) if asked.url else (),
        size=torrent.size if torrent else None,
        torrent=torrent.torrent if torrent else None,
    )


def _metalink_offer(library: Library, asked: Asked) -> Offer:
    """An offer for what a metalink at an address of the user's own describes: its addresses, size and digests.

    The digests are the mirror's word, unless the user gives one. Raises FetchRefused where there is no metalink of one file.
    """
    from isomanager.transfer.documents import (
        HttpDocuments,  # brings the network, which checking an address does not need
    )

    told = without_secrets(asked.url)
    document = HttpDocuments(library.client, library.policy(None, (asked.url,))).fetch(asked.url)
    text = document.content.decode("utf-8", "replace")
    files = [one for one in (read_metalink(text) if is_metalink(text) else ()) if one.urls]
    if len(files) != 1:
        raise FetchRefused(
            f"{told} is no metalink of one file that can be fetched over HTTPS.",
            code="bad-data",
            hint="Give the image's own address instead.",
            url=told,
        )
    (file,) = files
    plain = custom_offer(library, replace(asked, url=file.urls[0]))
    changes = {"urls": tuple(file.urls), "size": file.size, "digests": dict(file.digests), "served_assurance": False}
    return plain.model_copy(update=changes)
