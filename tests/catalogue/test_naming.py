"""Names that say more than a product, from inventories and habits, are selectors."""

from __future__ import annotations

import pytest

from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.matching import canonical
from isomanager.catalogue.naming import meant, named
from isomanager.errors import ResolveError, UsageError
from isomanager.model import Selector


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("WindowsServer2025", "windows-server/evaluation@2025"),
        ("windows server 2022", "windows-server/evaluation@2022"),
        ("Windows_Server_2019_Datacenter", "windows-server/evaluation@2019"),
        ("Server2016", "windows-server/evaluation@2016"),
        ("windows-2022", "windows-server/evaluation@2022"),
        ("WindowsServer2012R2", "windows-server/evaluation@2012.r2"),
        ("WindowsServer-Insider", "windows-server/insider@latest"),
        ("Windows11Enterprise", "windows/enterprise@11"),
        ("Windows10Enterprise", "windows/enterprise@10"),
        ("Windows 11 Enterprise LTSC 2024", "windows/ltsc@11"),
        ("Windows11IoTEnterpriseLTSC", "windows/iot-ltsc@11"),
        ("Windows11", "windows/consumer@11"),
        ("Win10", "windows/consumer@10"),
        ("Windows11Pro", "windows/consumer@11"),
        ("Windows81", "windows/consumer@8.1"),
        ("Windows7", "windows/consumer@7"),
        ("CentOS", "centos/dvd@latest"),
        ("CentOS@8", "centos/dvd@8"),
        ("CentOS8", "centos/dvd@8"),
        ("RHEL8", "rhel/dvd@8"),
        ("Ubuntu-LTS", "ubuntu/server@lts"),
        ("Ubuntu-Latest", "ubuntu/server@latest"),
        ("UbuntuServer24.04", "ubuntu/server@24.04"),
        ("Kubuntu24.04", "ubuntu/kubuntu@24.04"),
        ("Debian-Beta", "debian/netinst@preview"),
        ("Fedora", "fedora/workstation@latest"),
        ("TrueNAS Core", "truenas/core@latest"),
        ("openSUSE Aeon", "opensuse/aeon@latest"),
    ],
)
def test_a_name_means_what_people_mean_by_it(text: str, selector: str, catalogue: Catalogue) -> None:
    assert str(canonical(*meant(catalogue, Selector.parse(text)))) == selector


@pytest.mark.parametrize(
    ("name", "version", "selector"),
    [
        ("WindowsServer2025", "latest", "windows-server@2025"),
        ("WindowsServer2025", "10.0.26100.1", "windows-server@10.0.26100.1"),
        ("CentOS", "8", "CentOS@8"),
        ("Ubuntu", "22.04", "Ubuntu@22.04"),
        ("Windows 11/Enterprise", "", "windows/enterprise@11"),
        ("Windows10", "22H2", "windows@10.22H2"),
        ("WindowsServer2022", "21H2", "windows-server@2022.21H2"),
    ],
)
def test_name_and_version_of_an_inventory_are_taken_together(
    name: str, version: str, selector: str, catalogue: Catalogue
) -> None:
    assert str(named(catalogue, name, version)[1]) == selector


def test_a_version_in_the_form_of_windows_is_the_usual_one(catalogue: Catalogue) -> None:
    from isomanager.catalogue.wanted import wanted

    asked = {
        "WindowsServer2025@10.0.26100.1742": "2025.24H2.26100.1742",
        "windows@10.0.22631": "11.23H2.22631",
        "windows@26300.9457": "11.26H2.26300.9457",
        "windows@26100": "11.24H2.26100",
        "windows@25h2": "11.25h2",
        "windows@11 version 24H2": "11.24H2",
    }
    for text, version in asked.items():
        assert wanted(*meant(catalogue, Selector.parse(text)))[0].rule.exact == version


@pytest.mark.parametrize("text", ["Windows11Enterprise@10", "WindowsServer2025@10.0.20348.587", "Windows11Pro/ltsc", "Ubuntu-LTS@daily"])  # fmt: skip
def test_a_name_that_contradicts_what_stands_beside_it_is_refused(text: str, catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="beside it"):
        meant(catalogue, Selector.parse(text))


@pytest.mark.parametrize("text", ["foo", "UbuntuPhone", "Debian12Foo", "WindowsServer2025Foo", "Windows11Enterprises"])
def test_a_name_that_only_begins_like_one_is_not_guessed_at(text: str, catalogue: Catalogue) -> None:
    with pytest.raises(ResolveError) as wrong:
        meant(catalogue, Selector.parse(text))
    assert wrong.value.code == "unknown-product"
