"""The commands in the order in which a person meets them, on the sample upstream and a real Prefect server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from command import Isomanager
from isomanager.sample.upstream import SampleUpstream

ACTION = {"kind", "image", "repository", "reason", "cost", "frees"}
OUTCOME = {"outcome", "image", "repository", "path", "reason", "code", "bytes", "seconds", "assurance"}
COPY = {
    "family", "product", "flavor", "version", "architecture", "language", "repository", "path", "size", "sha256",
    "assurance", "proved_at", "state",
}  # fmt: skip


def library_folder() -> Path:
    return Path(os.environ["ISOMANAGER_DEFAULT_REPOSITORY"])


def test_an_empty_library_says_how_to_begin(here: Isomanager) -> None:
    assert "isomanager subscribe" in here("list").well().out
    assert here("list", "--json").well().json == []
    assert "isomanager subscribe" in here("subscriptions").well().out
    assert "isomanager subscribe" in here("plan").well().out
    assert here("plan", "--json").well().json["actions"] == []


def test_init_makes_library_and_database_and_can_be_repeated(isomanager: Isomanager, here: Isomanager) -> None:
    told = isomanager("init", "--json").well().json
    assert (told["repository"], told["layout"]) == (str(library_folder()), "default")
    assert told["free"] > 0
    assert library_folder().is_dir()
    assert here("init", "--json").well().json["database"] == told["database"]
    assert "Next: isomanager subscribe" in here("init").well().out


def test_init_remembers_another_repository_and_says_what_is_stronger(
    here: Isomanager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = here("init", "--repository", tmp_path / "other").well()
    assert "ISOMANAGER_DEFAULT_REPOSITORY" in told.err
    monkeypatch.delenv("ISOMANAGER_DEFAULT_REPOSITORY")
    value = here("config", "--json").well().json["default_repository"]
    assert (value["value"], value["from"]) == (str(tmp_path / "other"), "file")


def test_config_tells_value_and_origin_and_hides_a_password(isomanager: Isomanager) -> None:
    environment = {"ISOMANAGER_RETRY_COUNT": "7", "ISOMANAGER_DATABASE_URL": "postgresql://me:sesame@db/isos"}
    told = isomanager("config", "--json", environment=environment).well()
    assert told.json["retry_count"] == {
        "value": 7,
        "from": "environment",
        "description": told.json["retry_count"]["description"],
    }
    assert told.json["max_deletes"]["from"] == "default"
    assert "sesame" not in told.out + isomanager("config", environment=environment).well().out


def test_subscriptions_are_listed_and_ended_by_selector_or_id(here: Isomanager) -> None:
    made = here("subscribe", "Ubuntu/server@lts", "--arch", "amd64", "--keep", 2, "--json").well().json
    assert (made["text"], made["keep"]["last"]) == ("ubuntu/server@lts", 2)
    here("subscribe", "debian", "--floor", "signed").well()
    listed = here("subscriptions", "--json").well().json
    assert {one["text"] for one in listed} == {"ubuntu/server@lts", "debian/netinst@latest"}
    assert "ubuntu/server@lts" in here("subscriptions").well().out
    assert "what is held stays" in here("unsubscribe", "ubuntu/server@lts").well().out
    here("unsubscribe", next(one["id"] for one in listed if one["text"].startswith("debian"))).well()
    assert here("subscriptions", "--json").well().json == []
    assert here("unsubscribe", "debian").code == 2


@pytest.mark.prefect
def test_the_way_from_a_subscription_to_a_verified_path_and_on_to_the_next_release(
    subscribed: Isomanager, here: Isomanager, upstream: SampleUpstream
) -> None:
    (action,) = here("plan", "--json").well().json["actions"]
    assert set(action) >= ACTION
    assert (action["kind"], action["cost"] > 0) == ("download", True)

    report = subscribed("update", "--json").well().json
    (outcome,) = report["outcomes"]
    assert set(outcome) >= OUTCOME
    assert (outcome["outcome"], outcome["assurance"]) == ("published", "signed")
    assert report["totals"]["published"] == 1
    assert report["totals"]["bytes"] == outcome["bytes"] > 0

    (copy,) = here("list", "--json").well().json
    assert set(copy) >= COPY
    assert set(copy["version"]) == {"major", "minor", "patch", "text"}
    assert (copy["state"], copy["assurance"]) == ("held", "signed")
    file = library_folder() / copy["path"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == copy["sha256"]
    assert copy["path"] in here("list").well().out
    assert here("list", "debian", "--json").well().json == []
    assert len(here("list", "sample-orchard/server@lts", "--json").well().json) == 1

    assert subscribed("path", "sample-orchard/server").well().out == f"{file}\n"
    assert here("path", "sample-orchard/server", "--json").well().json["location"] == str(file)
    assert here("path", "debian").code == 1
    (shown,) = here("show", "sample-orchard", "--json").well().json
    assert shown["receipts"][0]["signer"]["primary"] == upstream.key_fingerprint
    assert upstream.key_fingerprint in here("show", copy["path"]).well().out

    again = here("update", "sample-orchard").well()
    assert "1 current" in again.out

    upstream.publish("orchard")
    planned = here("plan").well().out
    assert "download" in planned
    assert "retire" in planned
    report = here("update", "--json").well().json
    assert (report["totals"]["published"], report["totals"]["retired"]) == (1, 1)
    states = [one["state"] for one in here("list", "--all", "--json").well().json]
    assert sorted(states) == ["held", "trashed"]


@pytest.mark.prefect
def test_a_dry_run_shows_the_plan_and_changes_nothing(subscribed: Isomanager, here: Isomanager) -> None:
    report = subscribed("update", "--dry-run", "--json").well().json
    assert [one["kind"] for one in report["plan"]] == ["download"]
    assert report["outcomes"] == []
    assert here("list", "--json").well().json == []
    assert "Nothing to do" in here("prune", "--dry-run").well().out


@pytest.mark.prefect
def test_what_fails_its_proof_is_told_with_exit_code_1_and_marked(subscribed: Isomanager, here: Isomanager) -> None:
    here("update").well()
    (copy,) = here("list", "--json").well().json
    assert here("verify", "sample-orchard", "--json").well().json["totals"]["current"] == 1
    file = library_folder() / copy["path"]
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    told = subscribed("verify", "--json")
    assert told.code == 1
    (outcome,) = told.json["outcomes"]
    assert (outcome["outcome"], outcome["code"]) == ("failed", "failed-proof")
    assert here("list", "--json").well().json[0]["state"] == "suspect"
    assert here("path", "sample-orchard/server").code == 1


@pytest.mark.prefect
def test_a_wrong_signature_is_refused_with_exit_code_1_in_words_and_json(
    subscribed: Isomanager, upstream: SampleUpstream
) -> None:
    upstream.fault("wrong-signature", "*.gpg")
    told = subscribed("update", "--json")
    assert told.code == 1
    assert told.json["totals"]["quarantined"] == 1
    assert told.json["outcomes"][0]["code"] in ("foreign-key", "unknown-key")
    assert not list(library_folder().rglob("*.iso"))


@pytest.mark.prefect
def test_download_brings_one_image_into_the_library_without_subscribing(
    prefect_server: str, upstream: SampleUpstream, isomanager: Isomanager, here: Isomanager
) -> None:
    report = isomanager("download", "sample-beacon", "--json").well().json
    assert [one["outcome"] for one in report["outcomes"]] == ["published"]
    (copy,) = here("list", "--json").well().json
    assert copy["product"] == "sample-beacon"
    assert here("subscriptions", "--json").well().json == []


@pytest.mark.prefect
def test_download_from_an_address_is_held_only_with_a_proof(
    prefect_server: str, upstream: SampleUpstream, isomanager: Isomanager, here: Isomanager
) -> None:
    offered = here("catalogue", "resolve", "sample-lantern", "--json").well().json
    told = here("download", "--url", offered["url"], "--name", "My Rescue", "--json")
    assert (told.code, told.json["outcomes"][0]["code"]) == (1, "below-floor")
    given = ("--sha256", offered["sha256"].upper())
    report = isomanager("download", "--url", offered["url"], "--name", "My Rescue", *given, "--json").well().json
    assert [(one["outcome"], one["assurance"]) for one in report["outcomes"]] == [("published", "pinned")]
    (copy,) = here("list", "--json").well().json
    assert (copy["family"], copy["sha256"]) == ("custom", offered["sha256"])


def test_json_output_is_nothing_but_json(here: Isomanager, upstream: SampleUpstream) -> None:
    for command, form in {
        "catalogue list": list,
        "catalogue show sample-orchard": dict,
        "catalogue check sample-lantern": dict,
        "config": dict,
        "list": list,
    }.items():
        told = here(*command.split(), "--json").well()
        assert type(told.json) is form, command


def test_the_catalogue_is_listed_shown_and_checked(here: Isomanager, upstream: SampleUpstream) -> None:
    listed = here("catalogue", "list", "--json").well().json
    keys = {"id", "family", "flavors", "architectures", "strategy", "checksum", "signature", "status"}
    assert all(set(one) >= keys for one in listed)
    assert {"ubuntu", "debian", "sample-orchard"} <= {one["id"] for one in listed}
    shown = here("catalogue", "show", "SampleOrchard", "--json").well().json
    assert (shown["id"], "definition" in shown) == ("sample-orchard", True)
    checked = here("catalogue", "check", "sample-granite", "--json").well().json["health"]
    assert (checked["product"], checked["state"]) == ("sample-granite", "ok")
    upstream.fault("html", "*releases.json")
    told = here("catalogue", "check", "sample-granite")
    assert (told.code, "broken" in told.out) == (1, True)


def test_the_sample_publishes_a_vendor_s_next_release_on_request(isomanager: Isomanager, tmp_path: Path) -> None:
    assert "orchard published" in isomanager("sample", "--folder", tmp_path / "site", "--publish", "orchard").well().out
    told = isomanager("sample", "--folder", tmp_path / "site", "--publish", "nobody")
    assert (told.code, "orchard" in told.err) == (2, True)


def test_a_subscription_publishes_nothing_below_published_unless_told_so(here: Isomanager) -> None:
    made = here("subscribe", "debian", "--json").well().json
    assert (made["floor"], made["reachable"], made["warning"]) == ("published", "signed", None)


def test_a_floor_that_the_product_cannot_reach_is_said_at_once_and_can_be_lowered(here: Isomanager) -> None:
    told = here("subscribe", "dragonflybsd").well()
    assert "can be proved as 'mirror' at best" in told.err
    assert "isomanager subscribe dragonflybsd/vanilla@latest --floor mirror" in told.err
    lowered = here("subscribe", "dragonflybsd", "--floor", "mirror", "--json").well().json
    assert (lowered["floor"], lowered["warning"]) == ("mirror", None)
    assert len(here("subscriptions", "--json").well().json) == 1
    assert here("subscribe", "rhel", "--json").well().json["warning"] is None  # to be had by hand
