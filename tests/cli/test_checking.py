"""`isomanager catalogue check` and `record`: what a person reads, and what a program."""

from __future__ import annotations

import json
from pathlib import Path

from command import Isomanager
from isomanager.sample.upstream import SampleUpstream


def test_one_product_is_shown_step_by_step(here: Isomanager, upstream: SampleUpstream) -> None:
    told = here("catalogue", "check", "sample-orchard/server@lts").well().out
    for part in (f"{upstream.url}/orchard/26.04/SHA256SUMS", "candidates", "choice", "good, by key", "signed", "state"):
        assert part in told
    again = here("catalogue", "check", "sample-orchard/server@lts").well().out
    assert "unchanged (304)" in again


def test_one_product_as_json_has_every_step(here: Isomanager, upstream: SampleUpstream) -> None:
    told = here("catalogue", "check", "sample-beacon", "--json").well().json
    assert (told["health"]["state"], told["health"]["version"]) == ("ok", "9.2-1")
    assert {one["status"] for one in told["exchanges"]} == {200}
    assert told["looks"][0]["chosen"] == "beacon-ve_9.2-1.iso"


def test_a_broken_product_ends_with_one_and_says_how_old_the_last_good_answer_is(
    here: Isomanager, upstream: SampleUpstream
) -> None:
    here("catalogue", "check", "sample-beacon").well()
    upstream.fault("not-found", "/beacon/*")
    told = here("catalogue", "check", "sample-beacon")
    assert told.code == 1
    assert "9.2-1, just now" in told.out


def test_several_products_are_a_table(here: Isomanager, upstream: SampleUpstream) -> None:
    told = here("catalogue", "check", "sample-beacon", "sample-lantern", "--json").well().json
    assert [(one["product"], one["state"], one["status"]) for one in told] == [
        ("sample-beacon", "ok", "confirmed"),
        ("sample-lantern", "ok", "confirmed"),
    ]
    assert "last good" in here("catalogue", "check", "sample-beacon", "sample-lantern").well().out


def test_a_name_that_nobody_has_is_told_the_nearest(here: Isomanager, upstream: SampleUpstream) -> None:
    told = here("catalogue", "check", "sample-becon")
    assert told.code == 1
    assert "sample-beacon" in told.err


def test_an_unconfirmed_product_says_so_wherever_it_is(here: Isomanager, upstream: SampleUpstream) -> None:
    file = upstream.catalogue_folder / "sample-beacon.toml"
    file.write_text(file.read_text().replace("\n[source]", '\nstatus = "unconfirmed"\n[source]'))
    listed = {one["id"]: one["status"] for one in here("catalogue", "list", "--json").well().json}
    assert listed["sample-beacon"] == "unconfirmed"
    assert here("catalogue", "show", "sample-beacon", "--json").well().json["status"] == "unconfirmed"
    assert here("catalogue", "resolve", "sample-beacon", "--json").well().json["status"] == "unconfirmed"
    assert "nobody has confirmed" in here("catalogue", "resolve", "sample-beacon").well().err
    assert "unconfirmed" in here("catalogue", "check", "sample-beacon").well().out
    here("subscribe", "sample-beacon").well()
    assert "unconfirmed" in here("plan").well().out


def test_a_product_is_recorded_and_answers_from_the_record(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    told = here("catalogue", "record", "sample-orchard", "--to", "set", "--json").well().json
    assert [one["failed"] for one in told["cases"]] == ["", ""]
    online = here("catalogue", "resolve", "sample-orchard/server", "--json").well().json
    case = next(one for one in json.loads((tmp_path / "set" / "cases.json").read_text()) if "server" in one["selector"])
    documents = [part for url, file in case["documents"].items() for part in ("--document", f"{url}=set/{file}")]
    upstream.stop()
    offline = here("catalogue", "resolve", "sample-orchard/server", "--offline", *documents, "--json").well().json
    assert {**offline, "size": None} == {**online, "size": None}


def test_recording_a_flavor_of_another_product_is_refused(here: Isomanager, upstream: SampleUpstream) -> None:
    assert here("catalogue", "record", "sample-orchard", "--selector", "sample-beacon").code == 2


def test_saved_documents_are_replayed_though_their_answer_surprises(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    listing = f"{upstream.url}/beacon/iso/"
    (tmp_path / "page.html").write_text('<h1>Index of /</h1><a href="beacon-ve_91.12-1.iso">x</a>')
    (tmp_path / "sums").write_text(f"{'0' * 64}  beacon-ve_91.12-1.iso\n")
    documents = ["--document", f"{listing}=page.html", "--document", f"{listing}SHA256SUMS=sums"]
    told = here("catalogue", "resolve", "sample-beacon", "--offline", *documents, "--json").well().json
    assert told["version"] == "91.12-1"
    assert "still to come" in " ".join(told["reasons"])
