"""What every store promises of unfinished files. `StoreContract` inherits it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from contract_case import IMAGE, NAMED, PROJECT, ContractCase, paths, pattern

from isomanager.errors import StoreError
from isomanager.storage.contract import PartialRef, Store, Validators


class ResumingContract(ContractCase):
    """Needs the fixtures `store` (empty) and `reopen_code` (Python that makes the same store as `store`)."""

    def test_an_unfinished_file_is_found_by_its_key(self, store: Store, granule: int) -> None:
        one, other = (self.begun(store, pattern(granule), f"{key}.iso", key) for key in ("k1", "k2"))
        keys = {partial.close().key for partial in (one, other)}
        assert {ref.key: ref for ref in store.partials()} == {key: store.partial(key) for key in keys}
        assert store.partial("k3") is None
        store.reopen(one.ref).discard()
        assert store.partial("k1") is None

    @pytest.mark.parametrize(
        "wanted",
        [
            NAMED,
            replace(NAMED, last_modified=""),
            replace(NAMED, etag=""),
            Validators(),
        ],
        ids=["the-same", "etag-alone", "last-modified-alone", "nothing-known"],
    )
    def test_resumes_what_may_be_the_same_file(self, store: Store, granule: int, wanted: Validators) -> None:
        data = pattern(3 * granule)
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        partial.write(0, data[: 2 * granule])
        ref = partial.close()
        resumed = store.begin(IMAGE, len(data), wanted, key="k1", resume=ref)
        assert resumed.front() == 2 * granule
        resumed.write(2 * granule, data[2 * granule :])
        resumed.publish(len(data))
        assert store.read(IMAGE, 0, len(data)) == data

    @pytest.mark.parametrize(
        ("kept", "wanted"),
        [
            (NAMED, replace(NAMED, etag='"b2"')),
            (NAMED, replace(NAMED, last_modified="Fri, 08 Jan 2021 10:00:00 GMT")),
            (replace(NAMED, size=10), replace(NAMED, size=11)),
            (replace(NAMED, digests=(("sha256", "aa"),)), replace(NAMED, digests=(("sha256", "bb"),))),
            (Validators(etag='W/"a1"'), Validators(etag='W/"a1"')),
            (Validators(), NAMED),
        ],
        ids=["etag", "last-modified", "size", "digest", "only-a-weak-etag", "nothing-known-of-the-old"],
    )
    def test_starts_again_when_the_file_may_be_another(
        self, store: Store, granule: int, kept: Validators, wanted: Validators
    ) -> None:
        partial = store.begin(IMAGE, None, kept, key="k1")
        partial.write(0, b"old " * (granule // 4))
        ref = partial.close()
        fresh = store.begin(IMAGE, None, wanted, key="k1", resume=ref)
        assert fresh.front() == 0
        fresh.write(0, b"new")
        fresh.publish(3)
        assert store.read(IMAGE, 0, granule) == b"new"

    def test_starts_again_when_the_announced_size_is_another(self, store: Store, granule: int) -> None:
        partial = store.begin(IMAGE, 2 * granule, NAMED, key="k1")
        partial.write(0, pattern(granule))
        ref = partial.close()
        assert store.begin(IMAGE, 3 * granule, NAMED, key="k1", resume=ref).front() == 0

    def test_resumes_under_the_validators_of_the_last_checkpoint(self, store: Store, granule: int) -> None:
        partial = store.begin(IMAGE, None, Validators(), key="k1")
        partial.write(0, pattern(granule))
        partial.checkpoint(NAMED)
        ref = partial.close()
        assert ref.validators == NAMED
        assert store.begin(IMAGE, None, NAMED, key="k1", resume=ref).front() == granule

    def test_starts_again_when_not_asked_to_resume(self, store: Store, granule: int) -> None:
        self.begun(store, pattern(granule)).close()
        assert store.begin(IMAGE, granule, NAMED, key="k1").front() == 0

    def test_starts_when_there_is_nothing_to_resume(self, store: Store) -> None:
        ref = PartialRef("k1", IMAGE, 5, NAMED, front=3)
        assert store.begin(IMAGE, 5, NAMED, key="k1", resume=ref).front() == 0

    def test_another_process_reopens_by_reference(self, store: Store, granule: int, reopen_code: str) -> None:
        data = pattern(2 * granule + 9)
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        partial.write(0, data[: 2 * granule])
        partial.close()
        script = """
            (ref,) = store.partials()
            partial = store.reopen(ref)
            print(partial.front())
            tail = bytes.fromhex(sys.argv[1])
            partial.write(partial.front(), tail)
            partial.publish(partial.front() + len(tail))
            """
        ended = self.in_another_process(reopen_code, script, data[2 * granule :].hex())
        assert ended.returncode == 0, ended.stderr
        assert int(ended.stdout) == 2 * granule
        assert store.read(IMAGE, 0, len(data)) == data

    def test_lists_what_is_unfinished(self, store: Store, granule: int) -> None:
        refs = [self.begun(store, pattern(granule), f"{key}.iso", key).close() for key in ("k1", "k2")]
        assert list(store.partials()) == refs

    def test_reopening_what_is_gone_says_so(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        ref = partial.close()
        store.reopen(ref).discard()
        with pytest.raises(StoreError) as missing:
            store.reopen(ref)
        assert missing.value.code == "missing"

    def test_discarding_twice_leaves_nothing(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        partial.discard()
        partial.discard()
        assert list(store.partials()) == []
        assert paths(store) == []

    def test_discarding_what_is_published_leaves_the_image(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        partial.publish(5)
        partial.discard()
        assert store.read(IMAGE, 0, 9) == b"image"

    @pytest.mark.crash
    def test_after_a_kill_the_front_is_really_there_and_right(
        self, store: Store, granule: int, reopen_code: str
    ) -> None:
        script = f"""
            step, number = {granule}, 0
            partial = store.begin({IMAGE!r}, None, contract.Validators(etag='"a1"'), key="k1")
            while True:
                for one in (number + 1, number, number + 3, number + 2):
                    partial.write(one * step, bytes([one % 251]) * step)
                number += 4
                print(partial.checkpoint(), flush=True)
            """
        whole = f"import sys\nfrom isomanager.storage import contract\n{reopen_code}\n{textwrap.dedent(script)}"
        with subprocess.Popen([sys.executable, "-c", whole], stdout=subprocess.PIPE, cwd=PROJECT) as process:
            assert process.stdout is not None
            promised = [int(process.stdout.readline()) for _ in range(3)][-1]
            process.kill()
        (ref,) = store.partials()
        assert ref.front >= promised
        assert paths(store) == []
        resumed = store.begin(IMAGE, None, Validators(etag='"a1"'), key="k1", resume=ref)
        assert resumed.front() == ref.front
        if store.traits.readable_partial:
            for number in range(ref.front // granule):
                assert resumed.read(number * granule, granule) == bytes([number % 251]) * granule
        resumed.publish(ref.front)
        assert store.stat(IMAGE).size == ref.front  # type: ignore[union-attr]
