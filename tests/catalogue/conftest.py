"""Documents for the catalogue's tests: built ones beside the tests, recorded ones where ISOMANAGER_RECORDED points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from isomanager.catalogue.documents import Located
from isomanager.catalogue.loader import Catalogue, load_catalogue
from isomanager.errors import FetchRefused, IsoManagerError
from isomanager.model import Document

BUILT = Path(__file__).parent.parent / "documents" / "catalogue"


class Texts:
    """Upstream as a table of texts; what is not in it is a 404. Remembers what was asked for."""

    def __init__(self, texts: Mapping[str, str | bytes | IsoManagerError]) -> None:
        self.texts = dict(texts)
        self.asked: list[str] = []

    def fetch(self, url: str, *, max_bytes: int = 1 << 24) -> Document:
        self.asked.append(url)
        text = self.texts.get(url)
        if text is None:
            raise FetchRefused(f"{url} is not there.", code="http-status", status=404, url=url)
        if isinstance(text, IsoManagerError):
            raise text
        content = text.encode() if isinstance(text, str) else text
        return Document(url=url, final_url=url, content=content)

    def locate(self, url: str) -> Located:
        target = self.texts.get(url)
        if not isinstance(target, str):
            raise FetchRefused(f"{url} is not there.", code="http-status", status=404, url=url)
        return Located(url=url, final_url=target)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def texts() -> type[Texts]:
    return Texts
