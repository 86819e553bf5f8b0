"""What only a local repository can get wrong: links, crashes between two system calls, full and vanished disks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from contract_case import IMAGE, NAMED, PROJECT, paths, pattern

from isomanager.errors import StoreError, StoreUnavailable
from isomanager.storage import durable
from isomanager.storage.contract import PartialRef, Validators
from isomanager.storage.local import LocalStore
from store_servers import small_disk

REF = PartialRef("k1", IMAGE, 5, NAMED)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    whole = "import os, sys\nfrom pathlib import Path\nfrom isomanager.storage.contract import *\n"
    whole += "from isomanager.storage.local import LocalStore\n" + textwrap.dedent(script)
    return subprocess.run(
        [sys.executable, "-c", whole, *arguments], capture_output=True, text=True, cwd=PROJECT, timeout=60, check=False
    )


# crashes

PUBLISHES_AND_DIES = f"""
    store = LocalStore(Path(sys.argv[1]), create=False)
    left = int(sys.argv[2])
    partial = store.begin({IMAGE!r}, 5, Validators(etag='"a1"'), key="k1")
    partial.write(0, b"image")
    partial.close()
    def dies(event, arguments):
        global left
        if event in ("os.link", "os.remove", "os.rename", "os.mkdir", "open", "os.truncate"):
            left -= 1
            if left == 0:
                os._exit(9)
    sys.addaudithook(dies)
    partial.publish(5)
    os._exit(0)
    """


@pytest.mark.crash
def test_publishing_converges_wherever_the_process_dies(root: Path) -> None:
    """The process ends just before its n-th change to the filesystem, for every n; the next one finishes the work."""
    for steps in range(1, 60):
        repository = root / str(steps)
        store = LocalStore(repository)
        ended = run(PUBLISHES_AND_DIES, str(repository), str(steps))
        assert ended.returncode in (0, 9), ended.stderr
        there = store.stat(IMAGE)
        assert there is None or store.read(IMAGE, 0, 9) == b"image"
        partial = store.reopen(REF)
        assert partial.front() == 5
        entry = partial.publish(5)
        assert store.read(IMAGE, 0, 9) == b"image"
        assert list(store.list()) == [entry]
        assert list(store.partials()) == []
        if ended.returncode == 0:
            assert steps > 6
            return
    pytest.fail("publishing never came to its end")


def left_with_both_names(store: LocalStore) -> PartialRef:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    ref = partial.close()
    final = store.root / IMAGE
    final.parent.mkdir(parents=True)
    os.link(store.root / ".isomanager/partials/k1.bin", final)
    return ref


def test_publishing_again_ends_a_crash_between_link_and_unlink(store: LocalStore) -> None:
    ref = left_with_both_names(store)
    store.reopen(ref).publish(5)
    assert (store.root / IMAGE).stat().st_nlink == 1
    assert list(store.partials()) == []


def test_resuming_after_such_a_crash_publishes_too(store: LocalStore) -> None:
    ref = left_with_both_names(store)
    partial = store.begin(IMAGE, 5, NAMED, key="k1", resume=ref)
    assert partial.front() == 5
    partial.publish(5)
    assert store.read(IMAGE, 0, 9) == b"image"


def test_bytes_that_are_published_already_cannot_be_written_through_the_other_name(store: LocalStore) -> None:
    partial = store.reopen(left_with_both_names(store))
    with pytest.raises(StoreError) as refused:
        partial.write(0, b"other")
    assert refused.value.code == "name-taken"
    assert store.read(IMAGE, 0, 9) == b"image"


@pytest.mark.parametrize("final", [IMAGE, "elsewhere.iso"])
def test_beginning_anew_leaves_bytes_alone_that_are_published_already(store: LocalStore, final: str) -> None:
    ref = left_with_both_names(store)
    changed = Validators(etag='"b2"') if final == IMAGE else NAMED
    partial = store.begin(final, 5, changed, key="k1", resume=ref)
    assert partial.front() == 0
    partial.write(0, b"other")
    partial.close()
    assert store.read(IMAGE, 0, 9) == b"image"


def test_drops_what_a_dead_process_wrote_after_its_last_checkpoint(store: LocalStore) -> None:
    partial = store.begin(IMAGE, None, NAMED, key="k1")
    partial.write(0, b"12345")
    partial.checkpoint()
    partial.write(9, b"island")
    del partial  # as if killed: never closed
    (ref,) = store.partials()
    assert ref.front == 5
    resumed = store.begin(IMAGE, None, NAMED, key="k1", resume=ref)
    assert resumed.read(0, 99) == b"12345"
    resumed.publish(5)
    assert store.read(IMAGE, 0, 99) == b"12345"


def test_what_a_reopened_partial_never_promised_is_not_published(store: LocalStore) -> None:
    partial = store.begin(IMAGE, None, NAMED, key="k1")
    partial.write(0, b"12345")
    partial.checkpoint()
    partial.write(9, b"island")
    (ref,) = store.partials()
    store.reopen(ref).publish(5)
    assert store.read(IMAGE, 0, 99) == b"12345"


def test_replacing_a_partial_gives_its_room_back_before_asking_for_more(store: LocalStore) -> None:
    store.begin(IMAGE, None, NAMED, key="k1").close()
    with pytest.raises(StoreError):
        store.begin(IMAGE, 1 << 60, NAMED, key="k1")
    assert list(store.partials()) == []


def test_promises_no_bytes_that_the_disk_lost(store: LocalStore) -> None:
    partial = store.begin(IMAGE, 100, NAMED, key="k1")
    partial.write(0, b"x" * 50)
    ref = partial.close()
    file = store.root / ".isomanager/partials/k1.bin"
    os.truncate(file, 20)
    again = store.reopen(ref)
    assert again.front() == 20
    again.write(40, b"island")
    (told,) = store.partials()
    assert told.front == 20


def test_bytes_without_a_readable_note_can_be_discarded(store: LocalStore) -> None:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    partial.close()
    (store.root / ".isomanager/partials/k1.json").write_bytes(b"\x00torn")
    (ref,) = store.partials()
    assert (ref.key, ref.front) == ("k1", 0)
    store.reopen(PartialRef("k1", IMAGE, 5, NAMED)).discard()
    assert list(store.partials()) == []


def test_does_not_take_a_file_for_its_own_that_replaced_what_it_published(store: LocalStore) -> None:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    ref = partial.close()
    store.reopen(ref).publish(5)
    (store.root / IMAGE).unlink()
    (store.root / IMAGE).write_bytes(b"other")
    with pytest.raises(StoreError) as missing:
        store.reopen(ref)
    assert missing.value.code == "missing"


def test_leaves_nothing_behind_but_the_image_once_it_is_discarded(store: LocalStore) -> None:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    partial.publish(5)
    partial.discard()
    store.put_small("one.json", b"{}")
    store.replace_small("index.html", b"page")
    there = sorted(one.relative_to(store.root).as_posix() for one in store.root.rglob("*") if one.is_file())
    assert there == [IMAGE, "index.html", "one.json"]


def test_litter_of_dead_processes_goes(store: LocalStore) -> None:
    store.put_small("one.json", b"{}")
    litter, fresh = (store.root / ".isomanager/small" / name for name in ("litter", "fresh"))
    litter.write_bytes(b"x")
    fresh.write_bytes(b"x")
    os.utime(litter, (1, 1))
    store.put_small("two.json", b"{}")
    assert (litter.exists(), fresh.exists()) == (False, True)


# links and folders


def test_no_symbolic_link_leads_out_of_the_repository(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.iso").write_bytes(b"secret")
    (store.root / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    (store.root / "file.iso").symlink_to(tmp_path / "outside" / "secret.iso")
    for attempt in (
        lambda: store.read("link/secret.iso", 0, 9),
        lambda: store.stat("file.iso"),
        lambda: store.delete("link/secret.iso"),
        lambda: store.put_small("link/new.json", b"{}"),
        lambda: store.begin("link/new.iso", 1, NAMED, key="k1"),
    ):
        with pytest.raises(StoreError) as refused:
            attempt()
        assert refused.value.code == "outside-repository"
    assert paths(store) == []
    assert (tmp_path / "outside" / "secret.iso").read_bytes() == b"secret"


def test_a_link_inside_the_repository_is_read_and_not_listed(store: LocalStore) -> None:
    store.put_small("a.json", b"{}")
    (store.root / "latest.json").symlink_to("a.json")
    assert store.read("latest.json", 0, 9) == b"{}"
    assert paths(store) == ["a.json"]


def test_a_folder_of_links_to_itself_is_listed_once(store: LocalStore) -> None:
    store.put_small("a/b.json", b"{}")
    (store.root / "a" / "loop").symlink_to(store.root, target_is_directory=True)
    assert paths(store) == ["a/b.json"]


def test_deleting_removes_folders_it_leaves_empty_and_no_others(store: LocalStore) -> None:
    for path in ("Linux/Ubuntu/a.json", "Linux/b.json"):
        store.put_small(path, b"{}")
    store.delete("Linux/Ubuntu/a.json")
    assert not (store.root / "Linux/Ubuntu").exists()
    store.delete("Linux/b.json")
    assert not (store.root / "Linux").exists()
    assert store.root.is_dir()


def test_a_file_where_a_folder_is_needed_is_a_taken_name(store: LocalStore) -> None:
    store.put_small("Linux", b"a file")
    partial = store.begin("Linux/a.iso", 1, NAMED, key="k1")
    partial.write(0, b"x")
    with pytest.raises(StoreError) as refused:
        partial.publish(1)
    assert refused.value.code == "name-taken"


# disks that are gone, full, or not ours


def test_a_folder_that_is_not_there_is_no_empty_repository(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "unmounted", create=False)
    for attempt in (
        lambda: list(store.list()),
        lambda: list(store.partials()),
        lambda: store.stat("a.iso"),
        lambda: store.begin("a.iso", 1, NAMED, key="k1"),
        lambda: store.put_small("a.json", b"{}"),
        store.space,
    ):
        with pytest.raises(StoreUnavailable):
            attempt()
    assert not (tmp_path / "unmounted").exists()


def test_refuses_to_begin_what_cannot_fit(store: LocalStore) -> None:
    with pytest.raises(StoreError) as full:
        store.begin(IMAGE, 1 << 60, NAMED, key="k1")
    assert full.value.code == "no-space"
    assert full.value.data["needed"] == 1 << 60


def test_a_full_disk_says_so_and_publishes_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        store = LocalStore(disk)
        partial = store.begin(IMAGE, None, NAMED, key="k1")
        with pytest.raises(StoreError) as full:
            partial.write(0, pattern(2 << 20))
        assert full.value.code == "no-space"
        assert paths(store) == []
        partial.discard()
        assert list(store.partials()) == []


def test_a_file_too_large_for_its_filesystem_says_so(root: Path) -> None:
    script = """
        import resource
        store = LocalStore(Path(sys.argv[1]))
        partial = store.begin("a.iso", None, Validators(), key="k1")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            partial.write(0, bytes(200_000))
        except Exception as error:
            print(type(error).__name__, error.code, list(store.list()))
        """
    pytest.importorskip("resource")
    assert run(script, str(root)).stdout == "StoreError no-space []\n"


def test_a_folder_without_permission_says_so() -> None:
    pytest.importorskip("pwd")
    script = """
        store = LocalStore(Path(sys.argv[1]))
        store.root.chmod(0o500)
        if os.geteuid() == 0:
            os.setgroups([]); os.chown(store.root, 65534, 65534); os.setgid(65534); os.setuid(65534)
        try:
            store.put_small("a.json", b"{}")
        except Exception as error:
            print(type(error).__name__, error.code, error.hint)
        """
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other accounts
        Path(folder).chmod(0o755)
        ended = run(script, f"{folder}/repository")
        Path(folder, "repository").chmod(0o700)
    assert ended.stdout.startswith("StoreError no-permission Give"), ended.stderr


def test_of_files_put_together_those_are_there_that_fit_and_the_others_say_why(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        store = LocalStore(disk)
        told = store.put_all({"a.json": b"{}", "large.json": bytes(2 << 20), "c.json": b"{}"})
        assert {path: wrong.code for path, wrong in told.items()} == {"large.json": "no-space"}
        assert paths(store) == ["a.json", "c.json"]
        assert list((disk / ".isomanager" / "small").iterdir()) == []


def test_a_partial_that_was_closed_whole_is_published_without_another_flush(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    again = store.reopen(partial.close())
    monkeypatch.setattr(durable, "sync_file", lambda _descriptor: pytest.fail("nothing was written since"))
    assert again.publish(5).size == 5
    assert store.read(IMAGE, 0, 5) == b"image"


def test_a_partial_that_was_changed_since_it_was_closed_is_flushed_and_cut_again(store: LocalStore) -> None:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    ref = partial.close()
    with (store.root / ".isomanager" / "partials" / "k1.bin").open("ab") as file:
        file.write(b"of a dead process")
    assert store.reopen(ref).publish(5).size == 5
