"""From a chosen candidate to the offer: addresses, claims, and where the proof stands. Pure."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.product import Known, Product
from isomanager.catalogue.proof_rules import ProofRule, Signature
from isomanager.catalogue.selection import Found, series_text
from isomanager.catalogue.strategies.candidate import Candidate, clean_name
from isomanager.catalogue.templates import expand, fill
from isomanager.catalogue.walking import Way, starting_values
from isomanager.catalogue.wanted import Wanted
from isomanager.errors import CatalogueError, ResolveError
from isomanager.model import Offer, Packing, Proof, SignatureRef, Title, Torrent


def build_offer(chosen: Found, offer: OfferRule, way: Way, wanted: Wanted) -> Offer:
    """The offer for a chosen candidate. Raises ResolveError when upstream's address for it is not to be followed."""
    candidate, product = chosen.candidate, wanted.product
    values = _values(chosen, way, wanted)
    url = fill(offer.url, values) if offer.url else candidate.url or _beside_its_torrent(candidate)
    _check_address(url, candidate.name, product)
    values |= _places(url, offer, way, values)
    known = _known(chosen, offer, product)
    return Offer(
        title=_title(chosen, wanted),
        channel=wanted.channel,
        filename=candidate.name,
        urls=() if candidate.torrent_only else (url, *_mirrored(url, product)),
        size=candidate.size or (known.size if known else None),
        size_range=wanted.flavor.size,
        digests=candidate.digests,
        pinned=known.digests if known else {},
        packing=_packing(offer),
        torrent=_torrent(chosen, offer, values),
        metalink=fill(offer.metalink.url, values) if offer.metalink and not candidate.torrent_only else "",
        zsync=fill(product.zsync, values) if product.zsync and not candidate.torrent_only else "",
        proofs=_proofs(chosen, offer, wanted, values),
        save_as=clean_name(fill(offer.save_as, values)) or "" if offer.save_as else "",
        listed_at=(way.url,) if way.url else (),
        served_assurance=offer.vendor,
        confirmed="unconfirmed" not in (wanted.product.status, offer.status),
        last_modified=candidate.last_modified,
        link=candidate.link,
    )


def _beside_its_torrent(candidate: Candidate) -> str:
    """Where a file would stand of which there is only a torrent: its proofs are found from there."""
    return urljoin(candidate.torrent, candidate.name) if candidate.torrent_only else ""


def _known(chosen: Found, offer: OfferRule, product: Product) -> Known | None:
    """What the catalogue knows of the file. The evaluation centre gives later files an earlier one's name: of another size, it is
    another file."""
    known, size = product.known.get(chosen.candidate.name), chosen.candidate.size
    if known is None or offer.strategy != "evaluation-centre":
        return known
    return known if size is None or known.size in (None, size) else None


def _title(chosen: Found, wanted: Wanted) -> Title:
    groups = chosen.candidate.groups
    return Title(
        family=wanted.product.family,
        product=wanted.product.id,
        flavor=wanted.flavor_id,
        version=chosen.version,
        architecture=wanted.architecture,
        language=wanted.language,
        edition=groups.get("edition", "") or wanted.edition,
    )


def _values(chosen: Found, way: Way, wanted: Wanted) -> dict[str, str]:
    """Every `{name}` that addresses of a found file may use."""
    text = chosen.version.text
    pieces = series_text(text, 9).split(".")
    counted = dict(zip(("major", "minor", "patch"), [*pieces, "", "", ""], strict=False))
    starting = {name: values[0] for name, values in starting_values(wanted).items() if values}
    groups = {name: value for name, value in chosen.candidate.groups.items() if value or name not in starting}
    return {
        **starting,
        "series": series_text(text, wanted.product.version.series),
        **counted,
        **way.values,
        **groups,
        "version": text,
        "spelled": chosen.candidate.groups.get("version") or text,
        "file": chosen.candidate.name,
        "entry": chosen.candidate.groups.get("entry") or chosen.candidate.name,
        "document": way.url,
        "directory": urljoin(way.url, ".") if way.url else "",
    }


def _places(url: str, offer: OfferRule, way: Way, values: dict[str, str]) -> dict[str, str]:
    """The file's address, its folder, its folder's path on the host, and the checksum document's address."""
    folder = urljoin(url, ".")
    told = {"url": url, "folder": folder, "path": urlsplit(folder).path}
    listed = way.url if offer.strategy == "checksums" else ""
    return told | {"sums": fill(offer.sums, values | told) if offer.sums else listed}


def _check_address(url: str, name: str, product: Product) -> None:
    scheme = urlsplit(url).scheme
    if scheme == "https" or (scheme == "http" and product.source.allow_http):
        return
    raise ResolveError(
        f"Upstream gives '{url or 'no address'}' for {name}, which is not followed: it is not https.",
        code="implausible",
        hint="A product of your own may set source.allow_http for a trusted network.",
        url=url,
    )


def _mirrored(url: str, product: Product) -> tuple[str, ...]:
    return tuple(filter(None, (mirror.instead_of(url) for mirror in product.mirrors)))


def _packing(offer: OfferRule) -> Packing | None:
    unpack = offer.unpack
    return Packing(kind=unpack.kind, member=unpack.member, max_bytes=unpack.max) if unpack else None


def _torrent(chosen: Found, offer: OfferRule, values: dict[str, str]) -> Torrent | None:
    candidate = chosen.candidate
    url = fill(offer.torrent.url, values) if offer.torrent else candidate.torrent
    if not url and not candidate.info_hash:
        return None
    return Torrent(url=url, info_hash=candidate.info_hash, only=candidate.torrent_only)


def _proofs(chosen: Found, offer: OfferRule, wanted: Wanted, values: dict[str, str]) -> tuple[Proof, ...]:
    rules = offer.proof or wanted.product.proof
    fitting = (rule for rule in rules if _proof_fits(rule, chosen, wanted))
    made = (_proof(rule, values) for rule in fitting)
    # without document and signature a proof only says that the digests came with the offer: it needs digests
    return tuple(one for one in made if one and (one.document or one.signature or chosen.candidate.digests))


def _proof_fits(rule: ProofRule, chosen: Found, wanted: Wanted) -> bool:
    when = rule.when
    return when.accepts(chosen.version) and when.fits(
        rule=wanted.rule.parse(f"={chosen.version.text}"),
        channel=wanted.channel,
        flavor=wanted.flavor_id,
        architecture=wanted.architecture,
    )


def _proof(rule: ProofRule, values: dict[str, str]) -> Proof | None:
    """The proof with its addresses; a document whose address nothing has told is no proof, and says so in the product file."""
    document = fill(rule.document, values) if rule.document else ""
    if rule.document and not document:
        raise CatalogueError(
            f"The proof '{rule.document}' has no address here.", hint="Set `sums` on the offers entry.", field="proof"
        )
    told = values | {"document": document}
    keys = _keys(rule, values)
    # a signature nobody can check proves nothing; over the file itself there would be nothing left of the proof
    signature = rule.signature if keys else None
    if rule.signature is not None and signature is None and not document:
        return None
    return Proof(
        document=document or None,
        entry=fill(rule.entry, told),
        covers=rule.covers,
        signature=_signature(signature, told) if signature else None,
        signers=keys,
        vendor=rule.vendor,
        legacy=rule.legacy,
    )


def _signature(signature: Signature, values: dict[str, str]) -> SignatureRef:
    url = fill(signature.url, values) if signature.url else None
    return SignatureRef(kind=signature.kind, url=url, over=signature.over)


def _keys(rule: ProofRule, values: dict[str, str]) -> tuple[str, ...]:
    by_value = (by.get(values.get(name, ""), ()) for name, by in rule.keys_by.items())
    return tuple(dict.fromkeys((*rule.keys, *(key for keys in by_value for key in keys))))


def fixed_addresses(offer: OfferRule, wanted: Wanted) -> tuple[str, ...]:
    """The addresses of an entry whose file always stands at the same place."""
    return expand(offer.url, starting_values(wanted) | {"rule": (wanted.rule.exact,)})
