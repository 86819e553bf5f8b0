"""Record: fetch the documents that a product resolves from, and keep them as a test document set that answers the same offline."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from isomanager.catalogue.documents import MAX_DOCUMENT_BYTES, NO_HEADERS, DocumentSource, Located, SavedDocuments
from isomanager.catalogue.product import Product
from isomanager.catalogue.resolve import resolve
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError, UsageError
from isomanager.library.opening import Library
from isomanager.library.resolving import located
from isomanager.model import Document, Offer, Selector, Value
from isomanager.transfer.document_cache import carries_secrets
from isomanager.trust.evidence import gather_evidence
from isomanager.trust.urls import without_secrets

CASES = "cases.json"
SOURCE_TREE = Path("tests") / "documents" / "catalogue"

_ANSWERS = ("no-release", "beta-only", "unavailable", "torrent-only", "not-an-iso", "external", "manual", "ambiguous")
"""Codes of what an upstream may rightly say: recorded as the answer. Anything else is a resolver to be repaired first."""
_LONGEST_NAME = 96


class RecordedCase(Value):
    """One question and what became of it: recorded, with the answer and the number of documents, or failed and why."""

    selector: str
    architecture: str = ""
    filename: str = ""
    version: str = ""
    documents: int = 0
    bytes: int = 0
    answer: str = ""
    failed: str = ""


class Recorder:
    """A DocumentSource that remembers everything it was asked for."""

    def __init__(self, beyond: DocumentSource) -> None:
        self._beyond = beyond
        self.documents: dict[str, Document] = {}
        self.located: dict[str, Located] = {}

    def fetch(
        self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES, headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """The document, which is kept. ResolveError (not-recordable) for a piece of a conversation: Microsoft's answers hold links
        that are a secret, and another link would be asked for to record them."""
        if headers:
            raise ResolveError(
                f"{without_secrets(url)} is a piece of a conversation that is not recorded.",
                code="not-recordable",
                hint="Save the pages with a browser's developer tools, and replay them with --document URL=FILE.",
            )
        document = self._beyond.fetch(url, max_bytes=max_bytes)
        self.documents[url] = document
        return document

    def locate(self, url: str) -> Located:
        """Where it leads, which is kept, without what only this moment's link carries."""
        found = self._beyond.locate(url)
        self.located[url] = found.model_copy(update={"final_url": without_secrets(found.final_url)})
        return found


def default_folder(product: Product, here: Path) -> Path:
    """Where a recorded set goes when nobody says: among the test documents in a source tree, else a folder in `here`."""
    tree = here / SOURCE_TREE
    return tree / product.id if tree.is_dir() else here / f"{product.id}-documents"


def selectors_of(product: Product) -> tuple[Selector, ...]:
    """The newest of every flavor."""
    return tuple(Selector(product=product.id, flavor=flavor) for flavor in product.flavors)


def record(library: Library, product: Product, selectors: Sequence[Selector], folder: Path) -> tuple[RecordedCase, ...]:
    """Ask upstream for each selector and write documents and cases into `folder`; what is recorded there already of other
    selectors stays. Every case is replayed from what was written before it counts. Transient errors end the whole.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        cases = _cases_in(folder)
        told = tuple(_record_one(library, product, one, folder, cases) for one in selectors)
        text = json.dumps(sorted(cases.values(), key=lambda case: (case["selector"], case["arch"])), indent=1)
        (folder / CASES).write_text(text + "\n", encoding="utf-8")
    except OSError as wrong:
        raise UsageError(f"{folder} cannot be written to: {wrong.strerror}.") from wrong
    return told


def _cases_in(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    try:
        told = json.loads((folder / CASES).read_text(encoding="utf-8"))
        return {(one["selector"], one["arch"]): one for one in told}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError) as wrong:
        raise UsageError(
            f"{folder / CASES} is not a list of cases: {wrong}.", hint="Move it away, or record into another folder."
        ) from wrong


def _record_one(
    library: Library,
    product: Product,
    selector: Selector,
    folder: Path,
    cases: dict[tuple[str, str], dict[str, Any]],
) -> RecordedCase:
    recorder = Recorder(library.documents(product))
    text, machine = str(selector).removesuffix("@latest"), ", ".join(selector.architectures)
    try:
        answer = _answer(product, selector, recorder, recorder)
    except (ResolveError, FetchRefused) as wrong:
        return RecordedCase(selector=text, architecture=machine, failed=str(wrong))
    # an address that carries a session or a signature is good for this moment only, and nobody else's business
    names = _write(folder, {url: one for url, one in recorder.documents.items() if not carries_secrets(url)})
    case = {"selector": text, "arch": machine, "recorded": True, "documents": names, **answer}
    if recorder.located:
        case["located"] = {url: one.model_dump(mode="json") for url, one in recorder.located.items()}
    replayed = replay(product, case, folder)
    if replayed != answer:
        told = f"It answers {_short(answer)} online, and {_short(replayed)} from what was recorded."
        return RecordedCase(selector=text, architecture=machine, failed=told)
    cases[text, machine] = case
    return RecordedCase(
        selector=text,
        architecture=machine,
        filename=answer.get("filename", ""),
        version=answer.get("version", ""),
        answer=answer.get("error", ""),
        documents=len(names),
        bytes=sum(len(one.content) for one in recorder.documents.values()),
    )


def replay(product: Product, case: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What a case's question is answered with from its documents in `folder`, and nothing else."""
    selector = Selector.parse(case["selector"], architectures=(case["arch"],) if case["arch"] else ())
    told = {url: Located.model_validate(one) for url, one in case.get("located", {}).items()}
    saved = SavedDocuments({url: folder / file for url, file in case["documents"].items()}, located=told)
    try:
        return _answer(product, selector, saved, None)
    except IsoManagerError as wrong:
        return {"error": wrong.code}


def _answer(
    product: Product, selector: Selector, documents: DocumentSource, recorder: Recorder | None
) -> dict[str, Any]:
    """The answer as a case says it; with a recorder the evidence is fetched too, so that it can be judged offline later."""
    try:
        offers = resolve(product, selector, documents)
    except ResolveError as wrong:
        if wrong.code in _ANSWERS:
            return {"error": wrong.code}
        raise
    offer = offers[0]
    if recorder is not None:
        _fetch_evidence(offer, recorder)
    told: dict[str, Any] = {"filename": offer.filename, "version": str(offer.title.version)}
    return told | ({"size": offer.size} if offer.size is not None else {})


def _fetch_evidence(offer: Offer, recorder: Recorder) -> None:
    gather_evidence(offer, recorder)
    located(offer, recorder)


def _write(folder: Path, documents: Mapping[str, Document]) -> dict[str, str]:
    """Each document whole, byte for byte, under a name that tells its address; the names by address."""
    names: dict[str, str] = {}
    for url, document in documents.items():
        names[url] = _free_name(url, names.values())
        (folder / names[url]).write_bytes(document.content)
    return names


def _free_name(url: str, taken: Iterable[str]) -> str:
    name = file_name(url)
    if name.casefold() not in {one.casefold() for one in taken}:
        return name
    return f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{name}"


def file_name(url: str) -> str:
    """A file name for an address: its host and path, letters that every file system has, no folders."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    told = f"{parts.hostname or ''}{path}{'index.html' if path.endswith('/') or not path else ''}"
    plain = re.sub(r"[^A-Za-z0-9.+-]+", "_", told + (f"_{parts.query}" if parts.query else "")).strip("._")
    return plain[-_LONGEST_NAME:].lstrip("._-") or "document"


def _short(answer: Mapping[str, Any]) -> str:
    return str(answer.get("error") or f"{answer.get('filename')} {answer.get('version')}")
