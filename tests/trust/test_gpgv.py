from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from isomanager.trust import gpgv
from isomanager.trust.gpgv import parse_status, run_gpgv

PRIMARY = "A" * 40
SUBKEY = "B" * 40
VALID = f"[GNUPG:] VALIDSIG {SUBKEY} 2024-06-21 1718958828 0 4 0 1 10 00 {PRIMARY}"


def test_the_last_field_of_validsig_is_the_primary_key() -> None:
    (found,), texts = parse_status(f"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 1 Vendor\n{VALID}\n")
    assert (found.verdict, found.subkey, found.primary, found.hash_number) == ("GOODSIG", SUBKEY, PRIMARY, 10)
    assert found.signed_at == datetime(2024, 6, 21, 8, 33, 48, tzinfo=UTC)
    assert texts == 0


def test_each_signature_has_its_own_verdict() -> None:
    status = f"[GNUPG:] NEWSIG\n[GNUPG:] BADSIG 1 x\n[GNUPG:] NEWSIG\n[GNUPG:] REVKEYSIG 1 x\n{VALID}\n"
    first, second = parse_status(status)[0]
    assert (first.verdict, first.primary) == ("BADSIG", "")
    assert (second.verdict, second.primary) == ("REVKEYSIG", PRIMARY)


def test_an_expired_key_says_when() -> None:
    status = f"[GNUPG:] NEWSIG\n[GNUPG:] KEYEXPIRED 1781877794\n[GNUPG:] EXPKEYSIG 1 x\n{VALID}\n"
    assert parse_status(status)[0][0].key_expired_at == datetime(2026, 6, 19, 14, 3, 14, tzinfo=UTC)
    iso = status.replace("1781877794", "20260619T140314")
    assert parse_status(iso)[0][0].key_expired_at == datetime(2026, 6, 19, 14, 3, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "status",
    [
        "",
        "GOODSIG without its prefix",
        f"gpgv: {VALID}",
        f"[GNUPG:] GOODSIG 1 before any signature\n{VALID}",
    ],
)
def test_text_that_is_no_status_of_a_signature_counts_for_nothing(status: str) -> None:
    assert parse_status(status)[0] == ()


def test_two_verdicts_on_one_signature_are_none() -> None:
    status = f"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 1 x\n[GNUPG:] BADSIG 1 x\n{VALID}\n"
    assert parse_status(status)[0][0].verdict == ""


def test_a_user_id_that_spells_a_status_line_is_no_status_line() -> None:
    status = f"[GNUPG:] NEWSIG\n[GNUPG:] BADSIG 1 Evil [GNUPG:] GOODSIG 1 {VALID}\n"
    (found,), _ = parse_status(status)
    assert (found.verdict, found.primary) == ("BADSIG", "")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in program is a shell script")
def test_a_check_that_does_not_end_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "gpgv"
    program.write_text("#!/bin/sh\nexec tail -f /dev/null\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setattr(gpgv, "_BASE_SECONDS", 0.2)
    assert run_gpgv(str(program), [], b"data", b"signature").signatures == ()
