"""What a product file says of Microsoft's download connector: its addresses, and what to try instead."""

from __future__ import annotations

from isomanager.catalogue.conditions import Texts
from isomanager.model import Value


class ConnectorRules(Value):
    """The addresses of the connector's sequence, with `{session}`, `{edition}`, `{sku}`, `{w}`, `{rticks}` and `{now}` to fill in.

    `tags` makes a session known; `script` gives the numbers that `answer` sends back (together the handshake); `skus` lists the
    languages of an edition, `links` gives the addresses of one. `instead` are selectors to offer when Microsoft refuses, with
    `{version}`. A browser's name is asked for that is not one on Windows: those are led to a program instead of an image.
    """

    tags: str
    script: str
    answer: str
    skus: str
    links: str
    user_agent: str
    instead: Texts = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address template."""
        return self.tags, self.script, self.answer, self.skus, self.links
