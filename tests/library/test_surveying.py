"""Every step of a check, and the health that is kept from one check to the next."""

from __future__ import annotations

from isomanager.library.health import Health, kept_health
from isomanager.library.opening import Library
from isomanager.library.surveying import examine, survey
from isomanager.model import Selector
from isomanager.sample.upstream import SampleUpstream
from library.conftest import Clock


def test_every_step_is_there(library: Library, upstream: SampleUpstream) -> None:
    found = examine(library, Selector.parse("sample-orchard/server@lts"))
    asked = [(one.method, one.status, one.url.removeprefix(upstream.url)) for one in found.exchanges]
    assert ("GET", 200, "/orchard/") in asked
    assert ("GET", 200, "/orchard/26.04/SHA256SUMS.gpg") in asked
    (look,) = [one for one in found.looks if one.chosen]
    assert look.document == f"{upstream.url}/orchard/26.04/SHA256SUMS"
    assert (look.strategy, look.fitting) == ("checksums", 1)
    assert "newest" in look.why
    assert "good, by key" in found.signature
    assert (found.health.state, found.health.assurance) == ("ok", "signed")
    assert set(found.digests) == {"sha256"}


def test_what_was_seen_before_is_told_to_be_unchanged(library: Library) -> None:
    examine(library, Selector.parse("sample-orchard"))
    again = examine(library, Selector.parse("sample-orchard"))
    assert any(one.cached and one.status == 304 for one in again.exchanges)


def test_a_document_that_gives_nothing_says_why(library: Library, upstream: SampleUpstream) -> None:
    upstream.fault("html", "/beacon/iso/")
    found = examine(library, Selector.parse("sample-beacon"))
    assert found.health.state == "broken"
    assert [look.chosen for look in found.looks] == [""]
    assert found.looks[0].why


def test_an_address_that_does_not_answer_is_among_the_steps(library: Library, upstream: SampleUpstream) -> None:
    upstream.fault("not-found", "/beacon/iso/")
    (exchange,) = examine(library, Selector.parse("sample-beacon")).exchanges
    assert exchange.status == 404
    assert exchange.error


def test_the_last_good_answer_and_its_age_outlive_a_broken_upstream(
    library: Library, upstream: SampleUpstream, clock: Clock
) -> None:
    (good,) = survey(library, ["sample-beacon"])
    assert (good.state, good.good_version) == ("ok", "9.2-1")
    clock.pass_(days=4)
    upstream.fault("not-found", "/beacon/*")
    (broken,) = survey(library, ["sample-beacon"])
    assert (broken.state, broken.good_version, broken.good_at) == ("broken", "9.2-1", good.good_at)
    assert kept_health(library.health_file)["sample-beacon"] == broken


def test_an_older_answer_than_the_last_good_one_is_degraded(library: Library, upstream: SampleUpstream) -> None:
    survey(library, ["sample-beacon"])
    upstream.fault("rewrite", "/beacon/iso/", find="beacon-ve_9.2-1.iso", to="gone.txt")
    (found,) = survey(library, ["sample-beacon"])
    assert (found.state, found.code, found.good_version) == ("degraded", "surprising", "9.2-1")


def test_checks_of_different_products_are_kept_beside_each_other(library: Library) -> None:
    survey(library, ["sample-beacon"])
    examine(library, Selector.parse("sample-lantern"))
    examine(library, Selector.parse("sample-orchard/desktop@24.04"))
    assert set(kept_health(library.health_file)) == {"sample-beacon", "sample-lantern"}


def test_a_file_of_no_use_is_written_anew(library: Library) -> None:
    library.health_file.parent.mkdir(parents=True, exist_ok=True)
    library.health_file.write_text("[1]")
    survey(library, ["sample-beacon"])
    assert [type(one) for one in kept_health(library.health_file).values()] == [Health]
