"""Download pages in the forms they were seen in, and in forms they might take."""

from __future__ import annotations

import pytest

from isomanager.catalogue.microsoft.download_page import Option, PublishedDigest, read_page

A, B = "A" * 64, "B" * 64


def test_editions_are_the_options_with_an_id() -> None:
    page = read_page(
        '<SELECT id="product-edition"><OPTION value="" selected>Select</OPTION>'
        "<option value=\"3813\">Windows 11 (multi-edition\n ISO for x64 devices)<option value='3814'>Windows 11 Home China</select>"
        '<select id="other"><option value="12345">English</option></select>'
    )
    assert page.options == (
        Option("3813", "Windows 11 (multi-edition ISO for x64 devices)"),
        Option("3814", "Windows 11 Home China"),
    )


@pytest.mark.parametrize(
    "table",
    [
        f"<table><tr><td>German 64-bit</td><td>{A}</td></tr></table>",
        f"<table><colgroup><col><col></colgroup><tr><td>German&nbsp;64-bit</td>\n<td>\n<p>{A.lower()}</p></td></tr></table>",
        f"<div>German 64-bit</div><div>{A}</div>",
        f"<p>German 64-bit: {A}</p>",
        f"<ul><li><b>German</b> <b>64-bit</b> <code>{A}</code></li></ul>",
        f"<tr><td>German x64<td>{A}",
    ],
)
def test_a_digest_belongs_to_the_language_and_architecture_before_it(table: str) -> None:
    assert read_page(table).digests == (PublishedDigest("German", "x86_64", A.lower()),)


def test_every_architecture_of_a_table_is_told_apart() -> None:
    rows = (("English ARM64", A), ("English International 64-bit", B), ("English 32-bit", A), ("Suomi", B))
    page = read_page("".join(f"<tr><td>{name}</td><td>{digest}</td></tr>" for name, digest in rows))
    assert [(one.language, one.architecture) for one in page.digests] == [
        ("English", "aarch64"),
        ("English International", "x86_64"),
        ("English", "i686"),
        ("Suomi", ""),
    ]


def test_a_longer_run_of_digits_is_no_digest() -> None:
    assert read_page(f"<p>German 64-bit</p><p>{A}{A}</p>").digests == ()


@pytest.mark.parametrize(
    ("prose", "release"),
    [
        ("<p>Windows 11 2026 Update l Version 26H2</p>", "26H2"),
        ("<p>Windows 10 2022 Update | Version 22h2</p>", "22H2"),
        ("<script>Version 99H9</script><p>nothing</p>", ""),
    ],
)
def test_the_release_is_read_from_the_prose(prose: str, release: str) -> None:
    assert read_page(prose).release == release


def test_the_words_for_the_refused_are_unpacked_twice() -> None:
    page = read_page(
        '<input id="msg-01" type="hidden" value="&lt;p&gt;Refer to &amp;quot;message code&amp;quot; 715-123130&lt;/p&gt;"/>'
    )
    assert page.message == 'Refer to "message code" 715-123130'
    assert page.options == ()


@pytest.mark.parametrize(
    "piece", ["<b>x</b>", "- ", "<p>", "(", '<option value="123">Windows ', "<i>-</i>", "&lt;", "\u00a0"]
)
def test_a_hostile_page_is_read_in_time_and_says_nothing(piece: str) -> None:
    hostile = f"{piece * (1_000_000 // len(piece))}<p>{A}</p>"
    assert all(len(one.language) <= 200 for one in read_page(hostile).digests)
