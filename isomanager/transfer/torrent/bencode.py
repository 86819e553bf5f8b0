"""Bencoding, as BEP 3 describes it (https://www.bittorrent.org/beps/bep_0003.html): a reader for hostile text.

Depth and the length of numbers are bounded; size is, by whoever fetched the text. Beside each value of the outermost
dictionary its place in the text is told, because a torrent's identity is the hash of the `info` value exactly as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

Bencoded = int | bytes | list["Bencoded"] | dict[bytes, "Bencoded"]

_DEPTH = 64
_DIGITS = 20


@dataclass(frozen=True)
class Placed:
    """A value, and the text it was read from."""

    value: Bencoded
    raw: bytes


def outermost(data: bytes) -> dict[bytes, Placed]:
    """The entries of the dictionary that `data` is; ValueError when it is none, or anything follows it."""
    reader = _Reader(data)
    reader.take(b"d")
    found: dict[bytes, Placed] = {}
    while not reader.ends():
        key = reader.text()
        start = reader.place
        value = reader.value(1)
        found.setdefault(key, Placed(value, data[start : reader.place]))
    if reader.place != len(data):
        raise ValueError(f"something follows at byte {reader.place}")
    return found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self.place = data, 0

    def take(self, letter: bytes) -> None:
        if self._data[self.place : self.place + 1] != letter:
            raise ValueError(f"no {letter.decode()} at byte {self.place}")
        self.place += 1

    def ends(self) -> bool:
        """Whether a list or dictionary ends here; its end is then passed."""
        if self._data[self.place : self.place + 1] != b"e":
            return False
        self.place += 1
        return True

    def value(self, depth: int) -> Bencoded:
        if depth > _DEPTH:
            raise ValueError("it is nested too deeply")
        kind = self._data[self.place : self.place + 1]
        if kind == b"i":
            self.place += 1
            return self._number(b"e")
        if kind == b"l":
            return self._list(depth)
        return self._dictionary(depth) if kind == b"d" else self.text()

    def _list(self, depth: int) -> list[Bencoded]:
        self.place += 1
        found: list[Bencoded] = []
        while not self.ends():
            found.append(self.value(depth + 1))
        return found

    def _dictionary(self, depth: int) -> dict[bytes, Bencoded]:
        self.place += 1
        found: dict[bytes, Bencoded] = {}
        while not self.ends():
            key = self.text()
            found.setdefault(key, self.value(depth + 1))
        return found

    def text(self) -> bytes:
        length = self._number(b":")
        end = self.place + length
        if length < 0 or end > len(self._data):
            raise ValueError(f"it ends within the text at byte {self.place}")
        start, self.place = self.place, end
        return self._data[start:end]

    def _number(self, end: bytes) -> int:
        stop = self._data.find(end, self.place, self.place + _DIGITS + 1)
        digits = self._data[self.place : max(stop, 0)]
        if stop < 0 or not digits.removeprefix(b"-").isdigit():
            raise ValueError(f"no number at byte {self.place}")
        self.place = stop + 1
        return int(digits)
