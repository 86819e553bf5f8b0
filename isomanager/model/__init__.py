"""The values that go through the house: selector, offer, expectation, received, receipt, copy, plan, outcome.

All are frozen. Their JSON form (`model_dump(mode="json")`) is what is stored in receipts and the database. They are imported
from here; which module has which is nobody else's business.
"""

from __future__ import annotations

from isomanager.model.copies import Copy, CopyState, Quarantined
from isomanager.model.digests import ALGORITHMS, WEAK_ALGORITHMS, Digests, strongest
from isomanager.model.evidence import Assurance, Document, Expectation, Refusal, Signer, text_of
from isomanager.model.offers import DayLink, Offer, Packing, Proof, SignatureKind, SignatureRef, Torrent
from isomanager.model.outcomes import Outcome, OutcomeKind
from isomanager.model.places import MIRRORS, VENDOR, Publication, RepositoryRecord, Site, SourceRecord
from isomanager.model.plans import Action, ActionKind, Plan
from isomanager.model.receipts import PackedBytes, Receipt, Received, SourceUse
from isomanager.model.subscriptions import Freeze, Keep, Pin, Subscription
from isomanager.model.titles import (
    ARCHITECTURE_ALIASES,
    CHANNELS,
    VANILLA,
    Family,
    Selector,
    Title,
    architecture,
    channel_named,
)
from isomanager.model.values import Value

__all__ = [
    "ALGORITHMS",
    "ARCHITECTURE_ALIASES",
    "CHANNELS",
    "MIRRORS",
    "VANILLA",
    "VENDOR",
    "WEAK_ALGORITHMS",
    "Action",
    "ActionKind",
    "Assurance",
    "Copy",
    "CopyState",
    "DayLink",
    "Digests",
    "Document",
    "Expectation",
    "Family",
    "Freeze",
    "Keep",
    "Offer",
    "Outcome",
    "OutcomeKind",
    "PackedBytes",
    "Packing",
    "Pin",
    "Plan",
    "Proof",
    "Publication",
    "Quarantined",
    "Receipt",
    "Received",
    "Refusal",
    "RepositoryRecord",
    "Selector",
    "SignatureKind",
    "SignatureRef",
    "Signer",
    "Site",
    "SourceRecord",
    "SourceUse",
    "Subscription",
    "Title",
    "Torrent",
    "Value",
    "architecture",
    "channel_named",
    "strongest",
    "text_of",
]
