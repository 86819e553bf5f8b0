"""How vendors name their media, as grammars: every release of theirs gives what its discs are called and labelled.

Written from the vendors' own download pages and release notes, for releases that exist, most of them nowhere else in the tests. A
name is a whole file name; a label is a volume identifier, "" where the vendor's says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

ANYTHING = ""
"""A version that nobody can tell from the outside."""


class Medium(NamedTuple):
    """A disc as its vendor calls it: `version` is how what is said of it has to begin. `label_tells` is off where a label alone does
    not tell the version, `name_tells` where a name alone must not be believed."""

    product: str
    version: str
    name: str
    label: str = ""
    label_tells: bool = True
    name_tells: bool = True


def every_medium() -> Iterator[Medium]:
    """All of them."""
    for grammar in (_fedora, _ubuntu, _ubuntu_flavors, _debian, _debian_live, _opensuse, _rhel_likes, _rhel, _centos):
        yield from grammar()
    for grammar in (_windows_10_and_11, _windows_server, _freebsd, _openbsd, _netbsd, _others):
        yield from grammar()


_SPINS = {
    "Workstation": "WS", "KDE": "KDE", "Xfce": "Xfce", "LXDE": "LXDE", "LXQt": "LXQt", "Cinnamon": "Cinn", "MATE_Compiz": "MATE",
    "SoaS": "SoaS", "i3": "i3", "Sway": "Sway", "Budgie": "Budgie",
}  # fmt: skip


def _fedora() -> Iterator[Medium]:
    for version in range(31, 45):
        for spin, short in _SPINS.items():
            number = f"1.{version % 9 + 1}"
            name = f"Fedora-{spin}-Live-x86_64-{version}-{number}.iso"
            if version > 41:
                name = f"Fedora-{spin}-Live-{version}-{number}.x86_64.iso"
            yield Medium("fedora", str(version), name, f"Fedora-{short}-Live-{version}-{number.replace('.', '-')}"[:32])
        for arch in ("x86_64", "aarch64", "ppc64le", "s390x"):
            for kind in ("dvd", "netinst"):
                name = f"Fedora-Server-{kind}-{arch}-{version}-1.{version % 9 + 1}.iso"
                yield Medium("fedora", str(version), name, f"Fedora-S-dvd-{arch}-{version}")
            name = f"Fedora-Everything-netinst-{arch}-{version}-1.2.iso"
            yield Medium("fedora", str(version), name, f"Fedora-E-dvd-{arch}-{version}")
        name = f"Fedora-Silverblue-ostree-x86_64-{version}-1.6.iso"
        yield Medium("fedora", str(version), name, f"Fedora-SB-ostree-x86_64-{version}")


_UBUNTU = [
    *("5.10", "6.06", "6.06.1", "6.06.2", "6.10", "7.04", "7.10", "8.04", "8.04.1", "8.04.4", "8.10", "9.04", "9.10"),
    *(
        "10.04",
        "10.04.4",
        "10.10",
        "11.04",
        "11.10",
        "12.04",
        "12.04.5",
        "12.10",
        "13.04",
        "13.10",
        "14.04",
        "14.04.6",
        "14.10",
    ),
    *(
        "15.04",
        "15.10",
        "16.04",
        "16.04.7",
        "16.10",
        "17.04",
        "17.10",
        "17.10.1",
        "18.04",
        "18.04.6",
        "18.10",
        "19.04",
        "19.10",
    ),
    *(
        "20.04",
        "20.04.6",
        "20.10",
        "21.04",
        "21.10",
        "22.04",
        "22.04.5",
        "22.10",
        "23.04",
        "23.10",
        "23.10.1",
        "24.04",
        "24.04.3",
    ),
    *("24.10", "25.04", "25.10", "26.04"),
]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _long_term(version: str) -> str:
    year, month = _number(version)
    return " LTS" if month in (4, 6) and year % 2 == 0 and version not in ("6.06",) else ""


def _ubuntu() -> Iterator[Medium]:
    for version in _UBUNTU:
        number, mark = _number(version), _long_term(version)
        arches = (
            ("i386", "amd64", "powerpc") if number < (7, 4) else ("i386", "amd64") if number < (17, 10) else ("amd64",)
        )
        for arch in arches:
            kinds = ["install" if number < (6, 6) else "desktop", "live" if number < (6, 6) else "alternate"]
            if number >= (12, 10):
                kinds.remove("alternate")
            for kind in kinds:
                yield Medium("ubuntu", version, f"ubuntu-{version}-{kind}-{arch}.iso", f"Ubuntu {version}{mark} {arch}")
            kind = "live-server" if number >= (18, 4) else "server"
            if number >= (5, 10) and version != "5.10":
                yield Medium(
                    "ubuntu", version, f"ubuntu-{version}-{kind}-{arch}.iso", f"Ubuntu-Server {version}{mark} {arch}"
                )


_FLAVORS = {
    "kubuntu": ("Kubuntu", (5, 10), (30, 4)), "xubuntu": ("Xubuntu", (6, 6), (30, 4)), "lubuntu": ("Lubuntu", (10, 10), (30, 4)),
    "edubuntu": ("Edubuntu", (23, 4), (30, 4)), "ubuntustudio": ("Ubuntu-Studio", (12, 4), (30, 4)),
    "mythbuntu": ("Mythbuntu", (8, 4), (16, 4)), "ubuntu-gnome": ("Ubuntu-GNOME", (13, 4), (17, 4)),
    "ubuntukylin": ("Ubuntu-Kylin", (14, 4), (30, 4)), "ubuntu-mate": ("Ubuntu-MATE", (15, 4), (30, 4)),
    "ubuntu-budgie": ("Ubuntu-Budgie", (17, 4), (30, 4)), "ubuntu-unity": ("Ubuntu-Unity", (22, 10), (30, 4)),
    "ubuntucinnamon": ("Ubuntu-Cinnamon", (23, 4), (30, 4)),
}  # fmt: skip


def _ubuntu_flavors() -> Iterator[Medium]:
    for version in _UBUNTU:
        for flavor, (label, first, last) in _FLAVORS.items():
            if first <= _number(version) <= last and version not in ("5.10",):
                arch = "amd64" if _number(version) > (17, 4) else "i386"
                kind = "dvd" if flavor == "ubuntustudio" else "desktop"
                name = f"{flavor}-{version}-{kind}-{arch}.iso"
                yield Medium("ubuntu", version, name, f"{label} {version}{_long_term(version)} {arch}"[:32])


_DEBIAN = {"8": 11, "9": 13, "10": 13, "11": 11, "12": 12, "13": 3}


def _debian() -> Iterator[Medium]:
    for major, last in _DEBIAN.items():
        for point in range(last + 1):
            version = f"{major}.{point}.0"
            for arch in ("amd64", "arm64", "i386", "armhf", "ppc64el", "s390x"):
                yield Medium("debian", version, f"debian-{version}-{arch}-netinst.iso", f"Debian {version} {arch} n")
                yield Medium("debian", version, f"debian-{version}-{arch}-DVD-1.iso", f"Debian {version} {arch} 1")
            yield Medium("debian", version, f"debian-{version}-amd64-xfce-CD-1.iso", f"Debian {version} amd64 1")
            yield Medium("debian", version, f"debian-edu-{version}-amd64-netinst.iso", f"Debian {version} amd64 n")
            if int(major) < 12:
                yield Medium("debian", version, f"firmware-{version}-amd64-netinst.iso", f"Debian {version} amd64 n")
                yield Medium("debian", version, f"debian-mac-{version}-amd64-netinst.iso", f"Debian {version} amd64 n")


def _debian_live() -> Iterator[Medium]:
    short = {
        "cinnamon": "ci",
        "gnome": "gn",
        "kde": "kd",
        "lxde": "lx",
        "lxqt": "lq",
        "mate": "ma",
        "standard": "st",
        "xfce": "xf",
    }
    for major, last in _DEBIAN.items():
        for point in range(last + 1):
            for desktop, letters in short.items():
                version = f"{major}.{point}.0"
                label = f"d-live {version} {letters} amd64"
                yield Medium("debian", version, f"debian-live-{version}-amd64-{desktop}.iso", label)
                if int(major) < 12:
                    yield Medium("debian", version, f"debian-live-{version}-amd64-{desktop}+nonfree.iso", label)


def _opensuse() -> Iterator[Medium]:
    for version in ("42.1", "42.2", "42.3", *(f"15.{minor}" for minor in range(7))):
        for arch in ("x86_64", "aarch64"):
            for kind in ("DVD", "NET"):
                name = f"openSUSE-Leap-{version}-{kind}-{arch}.iso"
                yield Medium("opensuse", version, name, f"openSUSE-Leap-{version}-{kind}-{arch}{491}.1"[:32])
                build = f"openSUSE-Leap-{version}-{kind}-{arch}-Build491.1-Media.iso"
                yield Medium("opensuse", version, build, f"openSUSE-Leap-{version}-{kind}-{arch}491"[:32])
        for kind in ("GNOME-Live", "KDE-Live", "Rescue-CD", "XFCE-Live"):
            yield Medium("opensuse", version, f"openSUSE-Leap-{version}-{kind}-x86_64-Media.iso")
    for version in ("11.0", "11.2", "11.3", "12.3", "13.1"):
        for name in ("DVD-i586", "DVD-x86_64", "NET-x86_64", "GNOME-LiveCD-i686", "KDE-LiveCD-x86_64"):
            yield Medium("opensuse", version, f"openSUSE-{version}-{name}.iso")


def _rhel_likes() -> Iterator[Medium]:
    minors = [*(f"8.{minor}" for minor in range(3, 11)), *(f"9.{minor}" for minor in range(8)), "10.0", "10.1"]
    for version in minors:
        dashed = version.replace(".", "-")
        for arch in ("x86_64", "aarch64", "s390x", "ppc64le"):
            for kind in ("boot", "dvd", "minimal"):
                yield Medium(
                    "almalinux", version, f"AlmaLinux-{version}-{arch}-{kind}.iso", f"AlmaLinux-{dashed}-{arch}-dvd"
                )
                yield Medium("rocky", version, f"Rocky-{version}-{arch}-{kind}.iso", f"Rocky-{dashed}-{arch}-dvd")
        major, minor = version.split(".")
        for arch in ("x86_64", "aarch64"):
            for kind in ("dvd", "boot", "boot-uek"):
                name = f"OracleLinux-R{major}-U{minor}-{arch}-{kind}.iso"
                yield Medium("oraclelinux", version, name, f"OL-{dashed}-0-BaseOS-{arch}")


def _rhel() -> Iterator[Medium]:
    for version in (*(f"8.{minor}" for minor in range(11)), *(f"9.{minor}" for minor in range(8)), "10.0", "10.1"):
        label = f"RHEL-{version.replace('.', '-')}-0-BaseOS-"
        for arch in ("x86_64", "aarch64", "s390x", "ppc64le"):
            for kind in ("dvd", "boot"):
                yield Medium("rhel", version, f"rhel-{version}-{arch}-{kind}.iso", f"{label}{arch}")
    for minor in range(10):
        for variant in ("Server", "Workstation", "Client", "ComputeNode"):
            name = f"rhel-{variant.lower()}-7.{minor}-x86_64-dvd.iso"
            yield Medium("rhel", f"7.{minor}", name, f"RHEL-7.{minor} {variant}.x86_64")


def _centos() -> Iterator[Medium]:
    for version, stamp in (("8.0", "1905"), ("8.1", "1911"), ("8.2", "2004"), ("8.4", "2105"), ("8.5", "2111")):
        for arch in ("x86_64", "aarch64", "ppc64le"):
            for kind in ("dvd1", "boot"):
                label = f"CentOS-{version.replace('.', '-')}-{stamp}-{arch}-dvd"
                yield Medium("centos", version, f"CentOS-{version}.{stamp}-{arch}-{kind}.iso", label)
    for stamp in ("1406", "1503", "1511", "1611", "1708", "1804", "1810", "1908", "2003", "2009"):
        for kind in ("DVD", "Minimal", "Everything", "NetInstall", "LiveGNOME", "LiveKDE"):
            yield Medium("centos", "7", f"CentOS-7-x86_64-{kind}-{stamp}.iso", "CentOS 7 x86_64")
    for minor in range(11):
        for kind in ("bin-DVD1", "minimal", "LiveCD", "netinstall"):
            yield Medium("centos", f"6.{minor}", f"CentOS-6.{minor}-i386-{kind}.iso")
    for stream in ("8", "9", "10"):
        for kind in ("dvd1", "boot"):
            name = f"CentOS-Stream-{stream}-latest-x86_64-{kind}.iso"
            yield Medium("centos-stream", stream, name, f"CentOS-Stream-{stream}-BaseOS-x86_64")


_LANGUAGES = {
    "Arabic": "AR-SA", "BrazilianPortuguese": "PT-BR", "Bulgarian": "BG-BG", "Chinese_Simplified": "ZH-CN",
    "Chinese_Traditional": "ZH-TW", "Croatian": "HR-HR", "Czech": "CS-CZ", "Danish": "DA-DK", "Dutch": "NL-NL",
    "English": "EN-US", "EnglishInternational": "EN-GB", "Estonian": "ET-EE", "Finnish": "FI-FI", "French": "FR-FR",
    "FrenchCanadian": "FR-CA", "German": "DE-DE", "Greek": "EL-GR", "Hebrew": "HE-IL", "Hungarian": "HU-HU",
    "Italian": "IT-IT", "Japanese": "JA-JP", "Korean": "KO-KR", "Latvian": "LV-LV", "Lithuanian": "LT-LT",
    "Norwegian": "NB-NO", "Polish": "PL-PL", "Portuguese": "PT-PT", "Romanian": "RO-RO", "Russian": "RU-RU",
    "Serbian_Latin": "SR-LATN-RS", "Slovak": "SK-SK", "Slovenian": "SL-SI", "Spanish": "ES-ES", "Spanish_Mexico": "ES-MX",
    "Swedish": "SV-SE", "Thai": "TH-TH", "Turkish": "TR-TR", "Ukrainian": "UK-UA",
}  # fmt: skip


def _windows_10_and_11() -> Iterator[Medium]:
    for language, code in _LANGUAGES.items():
        label = f"CCCOMA_X64FRE_{code}_DV9"
        for release in ("1709", "1803", "1809", "1903", "1909", "2004", "20H2", "21H1", "21H2", "22H2"):
            name = f"Win10_{release}_{language}_x64{'v1' if release == '22H2' else ''}.iso"
            yield Medium("windows", "10", name, label, label_tells=False)
            yield Medium("windows", "10", f"Win10_{release}_{language}_x32.iso", label.replace("X64", "X86"), False)
        for release in ("22H2", "23H2", "24H2", "25H2"):
            yield Medium("windows", "11", f"Win11_{release}_{language}_x64v2.iso", label, label_tells=False)
            arm = f"Win11_{release}_{language}_Arm64.iso"
            yield Medium("windows", "11", arm, label.replace("X64", "A64"), label_tells=False)
        low = code.lower()
        for release, month in (("21h2", "nov_2021"), ("22h2", "oct_2023"), ("24h2", "sep_2024")):
            for edition in ("consumer", "business"):
                name = f"{low}_windows_11_{edition}_editions_version_{release}_updated_{month}_x64_dvd_8bd1d9a7.iso"
                yield Medium("windows", "11", name, label, label_tells=False)


def _windows_server() -> Iterator[Medium]:
    builds = {
        "2019": "17763.3650.221105-1748.rs5_release_svc_refresh", "2022": "20348.169.210806-2348.fe_release_svc_refresh",
        "2025": "26100.1742.240906-0331.ge_release_svc_refresh",
    }  # fmt: skip
    for version, build in builds.items():
        for code in ("en-us", "de-de", "fr-fr", "ja-jp", "zh-cn", "es-es", "it-it", "ru-ru"):
            label = f"SSS_X64FREE_{code.upper()}_DV9"
            yield Medium("windows-server", version, f"{build}_SERVER_EVAL_x64FRE_{code}.iso", label, label_tells=False)
            name = f"{code}_windows_server_{version}_x64_dvd_2a1b2c3d.iso"
            yield Medium("windows-server", version, name, label, label_tells=False)
    for version in ("2008", "2012", "2016", "2019", "2022", "2025"):
        name = f"en_windows_server_{version}_updated_feb_2018_x64_dvd_11636692.iso"
        yield Medium("windows-server", version, name)


def _freebsd() -> Iterator[Medium]:
    versions = (
        "8.4",
        "9.3",
        "10.0",
        "10.4",
        "11.0",
        "11.4",
        "12.0",
        "12.4",
        "13.0",
        "13.1",
        "13.5",
        "14.0",
        "14.1",
        "14.3",
        "15.0",
    )
    for version in versions:
        for arch in ("amd64", "i386", "powerpc-powerpc64", "arm64-aarch64", "riscv-riscv64"):
            short = arch.split("-")[-1].upper()
            for disc, kind in (("disc1", "CD"), ("dvd1", "DVD"), ("bootonly", "BO")):
                name = f"FreeBSD-{version}-RELEASE-{arch}-{disc}.iso"
                yield Medium("freebsd", version, name, f"{version.replace('.', '_')}_RELEASE_{short}_{kind}"[:32])
    for mark in ("RC2", "BETA1"):
        name = f"FreeBSD-14.3-{mark}-amd64-disc1.iso"
        yield Medium("freebsd", "14.3", name, f"14_3_{mark}_AMD64_CD")


def _openbsd() -> Iterator[Medium]:
    for major in range(4, 8):
        for minor in range(10):
            version = f"{major}.{minor}"
            for arch in ("amd64", "i386", "sparc64"):
                label = f"OpenBSD/{arch}   {version} Install CD"[:32]
                for name in (f"install{major}{minor}.iso", f"cd{major}{minor}.iso"):
                    yield Medium("openbsd", version, name, label, name_tells=False)


def _netbsd() -> Iterator[Medium]:
    for version in ("6.0", "6.1.5", "7.0", "7.2", "8.0", "8.3", "9.0", "9.4", "10.0", "10.1"):
        for arch in ("amd64", "i386", "evbarm-aarch64", "sparc64", "macppc"):
            yield Medium("netbsd", version, f"NetBSD-{version}-{arch}.iso")


def _others() -> Iterator[Medium]:
    for version in ("3.10.0", "3.12.3", "3.15.11", "3.17.0", "3.18.6", "3.20.3", "3.21.2", "3.22.1", "3.24.0"):
        for kind, short in (("standard", "std"), ("extended", "ext"), ("virt", "virt"), ("xen", "xen")):
            for arch in ("x86_64", "x86", "aarch64"):
                yield Medium(
                    "alpine", version, f"alpine-{kind}-{version}-{arch}.iso", f"alpine-{short} {version} {arch}"
                )
    for version in ("5", "6", "7", "8", "9", "10"):
        for kind in ("Plasma", "GNOME", "Xfce"):
            yield Medium("mageia", version, f"Mageia-{version}-Live-{kind}-x86_64.iso")
    for stamp in ("2020.01.01", "2021.07.01", "2023.12.01", "2025.11.01"):
        yield Medium("archlinux", ANYTHING, f"archlinux-{stamp}-x86_64.iso", f"ARCH_{stamp.replace('.', '')[:6]}")
    for version in ("18.03", "20.09", "21.05", "23.11", "24.05", "25.05", "25.11"):
        for kind in ("minimal", "gnome", "plasma5"):
            name = f"nixos-{kind}-{version}.1234.a1b2c3d4e5f-x86_64-linux.iso"
            yield Medium("nixos", version, name, f"nixos-{kind}-{version}-x86_64"[:32])
    for version in ("14.1", "14.2", "15.0"):
        for name in (f"slackware64-{version}-install-dvd.iso", f"slackware-{version}-install-dvd.iso"):
            yield Medium("slackware", version, name)
