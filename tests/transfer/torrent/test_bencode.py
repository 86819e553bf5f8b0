import pytest

from isomanager.transfer.torrent.bencode import outermost


def test_values_are_read_with_the_text_they_were_read_from() -> None:
    found = outermost(b"d4:infod6:lengthi7ee4:listl2:abi-3eee")
    assert found[b"info"].value == {b"length": 7}
    assert found[b"info"].raw == b"d6:lengthi7ee"
    assert found[b"list"].value == [b"ab", -3]


def test_the_first_of_two_equal_keys_counts() -> None:
    assert outermost(b"d1:ai1e1:ai2ee")[b"a"].value == 1


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"i1e",
        b"d",
        b"d1:a",
        b"d1:ai1e",
        b"d1:ai1eex",
        b"d9:ae",
        b"d-1:ae",
        b"d1:aie e",
        b"d1:ai" + b"9" * 30 + b"ee",
        b"d1:a" + b"l" * 100_000,
        b"d1:a" + b"99999999999999999999:e",
        b"d1:ai1x0ee",
        "d1:ai١ee".encode(),
    ],
)
def test_what_is_torn_nested_too_deeply_or_no_bencoding_is_a_value_error(hostile: bytes) -> None:
    with pytest.raises(ValueError):
        outermost(hostile)
