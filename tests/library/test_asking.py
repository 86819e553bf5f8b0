"""Subscribing, requesting, finding, surveying, opening."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from domain_update import bring_in, update
from isomanager.errors import (
    ConfigurationError,
    InventoryError,
    IsoManagerError,
    Refused,
    ResolveError,
    UsageError,
)
from isomanager.library.choosing import chosen_subscriptions
from isomanager.library.finding import location, newest_held
from isomanager.library.opening import Library, current_library, library_in_use
from isomanager.library.repositories import add_repository
from isomanager.library.requesting import Asked, judge_request, plan_download
from isomanager.library.subscribing import subscribe
from isomanager.library.surveying import survey
from isomanager.model import ActionKind, Assurance, Family, Keep, OutcomeKind, Selector
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from isomanager.storage.opening import is_within
from library.conftest import SERVER, Clock, PlanFor, held, only_download

LANTERN = "lantern/stable/lantern-2.9.4.iso"


# subscribing


def test_a_subscription_is_kept_in_the_product_s_own_words(library: Library) -> None:
    kept = subscribe(library, Selector.parse("Sample Orchard@lts"))
    assert (kept.selector.product, kept.selector.flavor, kept.selector.architectures) == (
        "sample-orchard",
        "server",
        ("x86_64",),
    )
    again = subscribe(library, Selector.parse(SERVER), keep=Keep(last=3))
    assert again.id == kept.id
    (only,) = library.inventory.subscriptions()
    assert only.keep.last == 3


@pytest.mark.parametrize(
    ("selector", "options", "error"),
    [
        ("no-such-product", {}, ResolveError),
        ("sample-orchard/no-such-flavor", {}, ResolveError),
        ("sample-beacon@lts", {}, ResolveError),
        (SERVER, {"repositories": ("no-such",)}, InventoryError),
    ],
)
def test_what_makes_no_sense_is_not_subscribed_to(
    library: Library, selector: str, options: dict[str, tuple[str, ...]], error: type[Exception]
) -> None:
    with pytest.raises(error):
        subscribe(library, Selector.parse(selector), repositories=options.get("repositories", ()))
    assert library.inventory.subscriptions() == ()


def test_subscriptions_are_chosen_by_any_of_their_names_also_when_a_product_left_the_catalogue(
    library: Library, upstream: SampleUpstream
) -> None:
    orchard, lantern = (subscribe(library, Selector.parse(text)) for text in (SERVER, "sample-lantern"))
    (upstream.catalogue_folder / "sample-orchard.toml").unlink()
    with Library(library.settings) as later:
        assert chosen_subscriptions(later, ["rescue"]) == (lantern,)
        assert chosen_subscriptions(later, ["sample-orchard"]) == chosen_subscriptions(later, [SERVER]) == (orchard,)
        assert chosen_subscriptions(later, ["bsd"]) == (), "a family without subscriptions is well"
        with pytest.raises(UsageError, match="No subscription fits"):
            chosen_subscriptions(later, ["sample-beacon"])


# requesting


def test_an_address_with_its_digest_is_pinned(library: Library, upstream: SampleUpstream, clock: Clock) -> None:
    sha256 = hashlib.sha256(upstream.image(LANTERN)).hexdigest()
    expected = judge_request(library, Asked(url=f"{upstream.url}/{LANTERN}", sha256=sha256.upper(), name="My Rescue"))
    title = expected.offer.title
    assert expected.assurance is Assurance.PINNED
    assert expected.digests == {"sha256": sha256}
    assert (title.family, title.product, str(title.version)) == (Family.CUSTOM, "my-rescue", f"{clock():%Y.%m.%d}")


def test_an_address_without_proof_is_refused_unless_that_is_accepted(
    library: Library, upstream: SampleUpstream
) -> None:
    url = f"{upstream.url}/{LANTERN}"
    with pytest.raises(Refused) as wrong:
        judge_request(library, Asked(url=url))
    assert wrong.value.code == "below-floor"
    assert judge_request(library, Asked(url=url, accept_unproved=True)).assurance is Assurance.NONE


def test_a_web_page_is_not_an_image(library: Library, upstream: SampleUpstream) -> None:
    upstream.fault(FaultKind.HTML, "*.iso")
    plan = plan_download(library, Asked(url=f"{upstream.url}/{LANTERN}", sha256="0" * 64))
    outcome = bring_in(library, only_download(plan), plan)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "html-instead")
    assert held(library) == ()


def test_a_request_is_for_one_run_and_no_subscription_lets_it_go(library: Library) -> None:
    plan = plan_download(library, Asked(selector="sample-orchard/server@24.04.2"))
    assert only_download(plan).source == "download"
    assert library.inventory.subscriptions() == ()


@pytest.mark.parametrize("asked", [Asked(), Asked(selector="x", url="https://y.example/z.iso"), Asked(url="z.iso")])
def test_a_request_names_one_thing(library: Library, asked: Asked) -> None:
    with pytest.raises(UsageError):
        plan_download(library, asked)


def test_a_digest_of_the_user_s_that_upstream_contradicts_is_refused(library: Library) -> None:
    with pytest.raises(Refused) as wrong:
        judge_request(library, Asked(selector=SERVER, sha256="0" * 64))
    assert wrong.value.code == "wrong-digest"


# finding


def test_the_newest_held_copy_is_found_and_where_it_is(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor, repository: Path
) -> None:
    plan_for("sample-orchard/server@24.04.2", SERVER)
    update(library)
    found = newest_held(library, Selector.parse("sample-orchard"))
    assert found is not None
    assert str(found.title.version) == "26.04.1"
    assert Path(location(library, found)).read_bytes() == (repository / found.path).read_bytes()
    older = newest_held(library, Selector.parse("sample-orchard/server@24.04"))
    assert older is not None
    assert str(older.title.version) == "24.04.2"
    assert newest_held(library, Selector.parse("sample-orchard/desktop")) is None


# surveying


def test_a_survey_says_which_product_is_broken_and_why(library: Library, upstream: SampleUpstream) -> None:
    upstream.fault(FaultKind.NOT_FOUND, "/beacon/*")
    upstream.fault(FaultKind.NO_SIGNATURE, "/orchard/*")
    named = ("sample-beacon", "sample-orchard", "sample-lantern")
    health = {one.product: one for one in survey(library, named)}
    assert {name: one.state for name, one in health.items()} == {
        "sample-beacon": "broken",
        "sample-orchard": "degraded",
        "sample-lantern": "ok",
    }
    assert health["sample-beacon"].reason
    assert health["sample-orchard"].code == "no-signature"
    assert health["sample-lantern"].version == "2.10.1"
    with pytest.raises(UsageError):
        survey(library, ["no-such"])


# opening


def test_the_default_repository_does_not_move_away_from_its_images(
    library: Library, plan_for: PlanFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_for(SERVER)
    update(library)
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(tmp_path / "elsewhere"))
    with Library(load_settings()) as moved, pytest.raises(ConfigurationError, match="with images in it"):
        assert moved.inventory
    assert not (tmp_path / "elsewhere").exists()


def test_an_empty_default_repository_may_move(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert library.inventory.repository("default").url == str(tmp_path / "library")
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(tmp_path / "elsewhere"))
    with Library(load_settings()) as moved:
        assert moved.inventory.repository("default").url == str(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere").is_dir()


def test_tasks_reach_the_library_that_is_in_use(upstream: SampleUpstream) -> None:
    with library_in_use() as outer:
        assert current_library() is outer
        with library_in_use() as inner:
            assert current_library() is inner
        assert current_library() is outer


def test_a_repository_is_made_known_once_it_can_be_written_to(library: Library, tmp_path: Path) -> None:
    made = add_repository(library, "nas", str(tmp_path / "nas"), description="in the cellar")
    assert made.description == "in the cellar"
    subscribe(library, Selector.parse(SERVER), repositories=("nas", "default"))
    assert {one.outcome for one in update(library)} == {OutcomeKind.PUBLISHED}
    assert sorted(one.repository for one in held(library)) == ["default", "nas"]
    (tmp_path / "file").write_bytes(b"")
    for name, url in (("No Name", str(tmp_path / "x")), ("file", str(tmp_path / "file"))):
        with pytest.raises(IsoManagerError):
            add_repository(library, name, url)
    assert [one.name for one in library.inventory.repositories()] == ["default", "nas"]


def test_a_repository_that_is_known_keeps_its_layout_and_takes_a_new_description(
    library: Library, tmp_path: Path
) -> None:
    nas = str(tmp_path / "nas")
    made = add_repository(library, "nas", nas, layout="by-type")
    assert add_repository(library, "nas", nas) == made
    assert add_repository(library, "nas", nas, description="in the cellar").description == "in the cellar"
    assert add_repository(library, "nas", nas).description == "in the cellar"
    with pytest.raises(UsageError, match="with the layout by-type"):
        add_repository(library, "nas", nas, layout="by-date")


def test_no_two_repositories_share_a_place(library: Library, tmp_path: Path) -> None:
    nas = tmp_path / "nas"
    add_repository(library, "nas", str(nas))
    (tmp_path / "link").symlink_to(nas)
    for url in (nas, f"{nas}/", nas.as_uri(), nas / "deeper", tmp_path, tmp_path / "link", tmp_path / "link" / "x"):
        with pytest.raises(UsageError, match=r"is in the place of|is in /"):
            add_repository(library, "other", str(url))
    add_repository(library, "other", f"{nas}2")
    assert [one.name for one in library.inventory.repositories()] == ["default", "nas", "other"]


@pytest.mark.parametrize(
    ("url", "other", "within"),
    [
        ("s3://isos", "s3://isos", True),
        ("s3://isos/lab", "s3://isos/", True),
        ("s3://isos", "s3://isos/lab", False),
        ("s3://isos2/lab", "s3://isos", False),
        ("smb://me@NAS/isos/lab", "smb://nas/isos", True),
        ("smb://nas/isos", "s3://nas/isos", False),
        ("nfs://nas/srv?mode=direct", "nfs://nas/srv?mode=mounted", True),
        ("block://local/a", "block://local/b", False),
    ],
)
def test_whether_a_place_is_in_another_shows_in_their_addresses(url: str, other: str, within: bool) -> None:
    assert is_within(url, other) is within


def test_refused_evidence_is_an_action_with_its_reason(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor
) -> None:
    upstream.fault(FaultKind.WRONG_SIGNATURE, "*.gpg")
    (action,) = plan_for(SERVER).actions
    assert (action.kind, action.code) == (ActionKind.REFUSE, "unknown-key")
