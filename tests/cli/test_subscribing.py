"""Saying in a terminal what the library is to hold."""

from __future__ import annotations

from pathlib import Path

from command import Isomanager
from isomanager.sample.upstream import SampleUpstream


def test_a_condition_subscribes_to_many_products_at_once(here: Isomanager, upstream: SampleUpstream) -> None:
    kept = here("subscribe", "sample-*/server", "--tag", "lab", "--under", "2GiB", "--json").well().json
    assert {one["text"] for one in kept} == {"sample-orchard/server@latest", "sample-granite/server@latest"}
    assert {(one["under"], *one["tags"]) for one in kept} == {(2 << 30, "lab")}


def test_a_subscription_is_changed_and_listed_as_changed(here: Isomanager, upstream: SampleUpstream) -> None:
    here("subscribe", "sample-orchard/server@lts").well()
    told = here("subscription", "set", "sample-orchard", "--version", "24.04", "--group", "nightly").well().out
    assert "is now sample-orchard/server@24.04" in told
    (listed,) = here("subscriptions", "--json").well().json
    assert (listed["text"], listed["group"]) == ("sample-orchard/server@24.04", "nightly")


def test_a_change_of_nothing_is_a_mistake(here: Isomanager, upstream: SampleUpstream) -> None:
    here("subscribe", "sample-orchard/server@lts").well()
    told = here("subscription", "set", "sample-orchard")
    assert (told.code, "Nothing to change" in told.err) == (2, True)


def test_a_plan_can_be_narrowed_for_once(here: Isomanager, upstream: SampleUpstream) -> None:
    here("subscribe", "sample-orchard/server@24.04", "--floor", "mirror").well()
    plan = here("plan", "sample-orchard", "--target", "24.04.2", "--json").well().json
    assert [one["title"]["version"]["text"] for one in plan["actions"]] == ["24.04.2"]
    left_out = here("plan", "--under", "1KiB", "--json").well().json
    assert [one["kind"] for one in left_out["actions"]] == ["skip"]
    assert here("update", "--target", "99").code == 2


def test_a_library_file_is_shown_applied_and_written_back(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    file, back = tmp_path / "library.yaml", tmp_path / "back.toml"
    file.write_text(f"repositories:\n- name: nas\n  url: {tmp_path / 'nas'}\nsubscriptions:\n- select: sample-beacon\n")
    shown = here("apply", file, "--dry-run").well().out
    assert "sample-beacon" in shown
    assert "dry run" in shown
    assert here("subscriptions", "--json").well().json == []
    assert {one["verb"] for one in here("apply", file, "--json").well().json} == {"add"}
    assert "Nothing to change.\n2 as the file declares them." in here("apply", file).well().out
    assert here("export", back, "--library", "--json").well().json["subscriptions"] == 1
    assert {one["verb"] for one in here("apply", back, "--json").well().json} == {"keep"}


def test_a_fault_of_a_library_file_is_told_with_its_place(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    file = tmp_path / "library.toml"
    file.write_text("[[subscriptions]]\nselect = 'sample-beacon'\nkeep = 0\n")
    told = here("apply", file)
    assert (told.code, "library.toml: subscriptions.1.keep.last is wrong" in told.err) == (2, True)
    assert here("apply", tmp_path / "missing.toml").code == 2
