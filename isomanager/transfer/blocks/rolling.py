"""The rolling sums of zsync and rsync at many places at once. Needs numpy: plain Python is far too slow.

Of the bytes x(0) ... x(n-1) of a block, a is the sum of all x(i) and b that of all (n - i) x(i), both modulo 2^16 (Tridgell and
Mackerras, "The rsync algorithm", 1996). One byte further on a grows by the byte that comes and shrinks by the one that goes, and b
grows by the new a and shrinks by n times the one that goes: both are running totals, which numpy takes at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sums = NDArray[np.uint32]
    Halves = NDArray[np.uint16]


def rolling_sums(text: bytes, block: int, stride: int) -> Sums:
    """a (upper 16 bits) and b (lower) of the `block` bytes at every `stride` bytes of `text`, as far as there are as many."""
    import numpy as np

    if len(text) < block:
        return np.zeros(0, np.uint32)
    return (
        _at_multiples(text, block, stride)
        if block % stride == 0 and stride > 1
        else _at_every_byte(text, block)[::stride]
    )


def _at_every_byte(text: bytes, block: int) -> Sums:
    import numpy as np

    data = np.frombuffer(text, np.uint8).astype(np.uint16)
    count = len(data) - block + 1
    total = np.add.accumulate(data, dtype=np.uint16)
    low = total[block - 1 :].copy()
    low[1:] -= total[:-block]
    steps = low.copy()
    steps[0] = np.dot(np.arange(block, 0, -1).astype(np.uint16), data[:block])
    steps[1:] -= data[: count - 1] * np.uint16(block & 0xFFFF)
    high = np.add.accumulate(steps, dtype=np.uint16)
    return _joined(low, high)


def _at_multiples(text: bytes, block: int, stride: int) -> Sums:
    """From the sums of `stride` bytes each, of which there are several in a block."""
    import numpy as np

    whole = len(text) // stride
    data = np.frombuffer(text, np.uint8, whole * stride).reshape(whole, stride).astype(np.uint16)
    low = np.add.reduce(data, axis=1, dtype=np.uint16)
    high = data @ np.arange(stride, 0, -1).astype(np.uint16)
    count = block // stride
    wide_low, wide_high = np.zeros((2, whole - count + 1), np.uint16)
    for step in range(count):
        part = low[step : whole - count + 1 + step]
        wide_low += part
        wide_high += high[step : whole - count + 1 + step] + part * np.uint16((count - 1 - step) * stride & 0xFFFF)
    return _joined(wide_low, wide_high)


def _joined(low: Halves, high: Halves) -> Sums:
    import numpy as np

    joined: Sums = (low.astype(np.uint32) << np.uint32(16)) | high
    return joined
