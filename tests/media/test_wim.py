"""The description in a Windows imaging file."""

from __future__ import annotations

import pytest

from isomanager.errors import MediaError
from isomanager.media.markers import windows_line
from isomanager.media.source import Source
from isomanager.media.wim import WindowsImage, read_images
from media.discs import wim, wim_of


def images_of(file: bytes) -> tuple[WindowsImage, ...]:
    source = Source("x.iso", len(file), lambda offset, length: file[offset : offset + length])
    return read_images(source, lambda offset, length: file[offset : offset + length])


def test_editions_build_architecture_and_languages_are_read() -> None:
    first, second = images_of(wim("Core", "Professional", build=22631, arch=12, language="de-DE"))
    assert (first.edition, first.kind, first.architecture) == ("Core", "Client", "aarch64")
    assert (second.index, second.version, second.build, second.languages) == (2, "10.0", "22631.1742", ("de-de",))


def test_a_server_is_told_from_a_client() -> None:
    assert windows_line(images_of(wim("ServerStandard", kind="Server Core"))).startswith("server|10.0|26100.1742|")


def test_files_older_than_the_installation_type_are_told_by_the_product_type() -> None:
    xml = "<WIM><IMAGE INDEX='1'><WINDOWS><PRODUCTTYPE>ServerNT</PRODUCTTYPE><VERSION><BUILD>6001</BUILD></VERSION></WINDOWS></IMAGE></WIM>"
    assert images_of(wim_of(xml))[0].kind == "Server"


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><WIM>&c;</WIM>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><WIM/>',
        "<WIM><IMAGE></WIM>",
        "",
    ],
    ids=["entities", "outside", "not well-formed", "empty"],
)
def test_a_hostile_description_is_refused(xml: str) -> None:
    with pytest.raises(MediaError):
        images_of(wim_of(xml))


def test_an_enormous_description_is_not_even_read() -> None:
    file = bytearray(wim("Core"))
    file[72:80] = (1 << 40).to_bytes(8, "little")
    with pytest.raises(MediaError, match="too large"):
        images_of(bytes(file))


def test_another_file_of_that_name_is_refused() -> None:
    with pytest.raises(MediaError, match="no valid header"):
        images_of(b"PK\x03\x04" + bytes(300))
