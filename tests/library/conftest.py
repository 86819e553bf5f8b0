"""A library whose clock the test moves, and another one beside it, as another process would open it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_update import answers
from isomanager.library.downloading import download_reserved
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan
from isomanager.library.registering import register, verify_received
from isomanager.library.reserving import reserved
from isomanager.library.subscribing import subscribe
from isomanager.model import Action, ActionKind, Assurance, Copy, CopyState, Plan, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from store_servers import NfsServer, S3Server, SmbServer

SERVER = "sample-orchard/server@lts"
"""What most tests subscribe to."""


class Clock:
    """Gives the present, moved on by as much as the test says."""

    def __init__(self) -> None:
        self._passed = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._passed

    def pass_(self, **time: float) -> None:
        """Let time pass."""
        self._passed += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def library(upstream: SampleUpstream, clock: Clock) -> Iterator[Library]:
    """An empty library that tells the time by `clock`."""
    with Library(load_settings(), clock=clock) as opened:
        yield opened


@pytest.fixture
def another(library: Library, clock: Clock) -> Iterator[Library]:
    """The same library, opened a second time."""
    with Library(library.settings, clock=clock) as opened:
        yield opened


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The folder of the default repository."""
    return tmp_path / "library"


PlanFor = Callable[..., Plan]


@pytest.fixture
def plan_for(library: Library) -> PlanFor:
    """Subscribe to the selectors, and plan."""

    def plan(*selectors: str) -> Plan:
        for text in selectors:
            subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
        return planned(library)

    return plan


def planned(library: Library) -> Plan:
    """What an update of everything subscribed to would do."""
    return make_plan(library, answers(library))


def only_download(plan: Plan) -> Action:
    """The one download of a plan."""
    (action,) = plan.of_kind(ActionKind.DOWNLOAD)
    return action


def brought_in(library: Library) -> Copy:
    """The one image that a plan fetches, step by step: what refuses it is raised."""
    with reserved(library, only_download(planned(library))) as reservation:
        received = download_reserved(library, reservation)
        return register(library, reservation, received, verify_received(library, reservation, received))


def held(library: Library) -> tuple[Copy, ...]:
    """What is held."""
    return library.inventory.copies(states={CopyState.HELD})


@pytest.fixture
def on_s3(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bare address: the keys come from the environment, as Amazon's own tools take them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return f"s3://{s3.bucket}/library/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def on_smb(smb: SmbServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bare address: user and password come from the environment."""
    monkeypatch.setenv("ISOMANAGER_SMB_USERNAME", smb.user)
    monkeypatch.setenv("ISOMANAGER_SMB_PASSWORD", smb.password)
    return f"{smb.url}/library/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def on_nfs(nfs: NfsServer) -> str:
    """An address that says how: the machine of the tests need not have NFS in its kernel."""
    return nfs.at(f"library/{uuid.uuid4().hex[:8]}")
