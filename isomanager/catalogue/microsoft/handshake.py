"""The numbers that make a session known to Microsoft's download connector. Pure."""

from __future__ import annotations

import re

_W = re.compile(r"[?&]w=([A-Fa-f0-9]{1,64})")
_RTICKS = re.compile(r"rticks=[\"']?\s{0,8}\+?\s{0,8}[\"']?(\d{1,20})")


def handshake_numbers(script: str) -> dict[str, str] | None:
    """`w` and `rticks` as the script writes them into the address it calls; None when it no longer does."""
    w, rticks = _W.search(script), _RTICKS.search(script)
    return {"w": w[1], "rticks": rticks[1]} if w and rticks else None
