"""The greater part of a year, updated every fortnight: the whole one is `python tests/year.py`."""

from __future__ import annotations

import pytest

from isomanager.sample.upstream import SampleUpstream
from year import Year, simulate


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    folder = tmp_path_factory.mktemp("year")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ISOMANAGER_CONFIG", str(folder / "config.toml"))
        environment.setenv("ISOMANAGER_DATA_FOLDER", str(folder / "data"))
        environment.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(folder / "library"))
        environment.setenv("ISOMANAGER_RETRY_DELAY", "0.01")
        with SampleUpstream(folder / "upstream", scale=0.02) as upstream:
            environment.setenv("ISOMANAGER_CATALOGUE_FOLDERS", f'["{upstream.catalogue_folder.as_posix()}"]')
            return simulate(upstream, days=210, step=15, say=lambda _told: None)


def test_no_subscription_is_ever_without_a_proved_image(year: Year) -> None:
    assert year.unserved == []


def test_each_subscription_ends_with_what_its_rule_says(year: Year) -> None:
    held = {str(one.title).partition(" ")[0] for one in year.held}
    assert "sample-orchard/server@24.04.3" in held, "its series has ended, and it is still wanted"
    assert "sample-orchard/server@28.04-beta" in held, "only the preview channel wants it"
    assert "sample-orchard/desktop@28.04-beta" not in held
    lantern = [one for one in held if one.startswith("sample-lantern")]
    assert len(lantern) == 3, "it keeps three"


def test_a_month_without_an_upstream_costs_nothing_that_was_held(year: Year) -> None:
    assert list(year.failed_days) == ["sample-beacon/vanilla@latest"]
    assert [one for one in year.held if one.title.product == "sample-beacon"]
    mended = next(place for place, told in enumerate(year.told) if "beacon is back" in told)
    assert any("published sample-beacon" in told for told in year.told[mended:])


def test_every_image_has_its_reasons(year: Year) -> None:
    images = [place for place, told in enumerate(year.why) if not told.startswith(" ")]
    assert len(images) == len(year.held)
    assert all(year.why[place + 1].startswith("    ") for place in images)
