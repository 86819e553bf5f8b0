"""Asking trackers, over HTTP and over UDP, as real ones answer and as hostile ones do."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from queue import Empty, Queue

import httpx
import pytest

from isomanager.settings import Settings
from isomanager.transfer.http import open_client
from isomanager.transfer.torrent.announcing import Announcement, Announcer, Peer, ask_udp, http_question, read_answer
from peers import tracking

ABOUT = Announcement(bytes(range(20)), b"-IM0001-abcdefabcdef")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client(Settings()) as opened:
        yield opened


def met(queue: Queue[Peer]) -> Peer | None:
    try:
        return queue.get(timeout=0.01)
    except Empty:
        return None


def test_every_peer_of_every_tracker_is_met_and_a_bad_tracker_costs_nothing(client: httpx.Client) -> None:
    queue: Queue[Peer] = Queue()
    with tracking(("127.0.0.1", 7001)) as first, tracking(("127.0.0.1", 7002)) as second:
        trackers = ("http://127.0.0.1:1/announce", "udp://127.0.0.1:1/x", first.url, second.url)
        with Announcer(trackers, "ab" * 20, queue.put, client, allow_private=True):
            found = {queue.get(timeout=30), queue.get(timeout=30)}
    assert found == {("127.0.0.1", 7001), ("127.0.0.1", 7002)}
    (asked,) = first.announced
    assert asked["info_hash"] == [bytes.fromhex("ab" * 20).decode("latin-1")]
    assert (asked["port"], asked["event"], asked["compact"]) == (["1"], ["started"], ["1"])


def test_a_tracker_cannot_lead_into_a_private_network(client: httpx.Client) -> None:
    queue: Queue[Peer] = Queue()
    with tracking(("127.0.0.1", 7001), ("8.8.4.4", 9), ("10.0.0.1", 22)) as tracker:
        with Announcer((tracker.url,), "ab" * 20, queue.put, client, allow_private=False):
            assert queue.get(timeout=30) == ("8.8.4.4", 9)
        assert met(queue) is None


def test_the_question_is_added_to_what_the_address_already_asks() -> None:
    assert http_question("https://t.example/a?passkey=1", ABOUT).startswith(
        "https://t.example/a?passkey=1&info_hash=%00%01"
    )
    assert "/a?info_hash=" in http_question("https://t.example/a", ABOUT)


def test_peers_are_read_in_every_form() -> None:
    six = bytes.fromhex("20010db8000000000000000000000001") + b"\x00\x07"
    assert read_answer(b"d8:intervali90e5:peers6:\x01\x02\x03\x04\x00\x096:peers618:" + six + b"e") == (
        90.0,
        (("1.2.3.4", 9), ("2001:db8::1", 7)),
    )
    listed = b"d5:peersld2:ip7:1.2.3.44:porti9eed2:ip4:name4:porti9eed2:ip7:1.2.3.44:porti0eei7eee"
    assert read_answer(listed)[1] == (("1.2.3.4", 9),)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"d14:failure reason4:gonee"])
def test_nonsense_and_refusals_are_value_errors(answer: bytes) -> None:
    with pytest.raises(ValueError):
        read_answer(answer)


class UdpTracker(threading.Thread):
    """Answers one connect and one announce (BEP 15); `wrong` spoils the transaction."""

    def __init__(self, *, wrong: bool = False) -> None:
        super().__init__(daemon=True)
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.wrong, self.asked = wrong, b""
        self.url = f"udp://127.0.0.1:{self.line.getsockname()[1]}/announce"

    def run(self) -> None:
        with self.line:
            asked, asker = self.line.recvfrom(4096)
            assert asked[:12] == struct.pack(">QI", 0x41727101980, 0)
            transaction = b"wron" if self.wrong else asked[12:16]
            self.line.sendto(struct.pack(">I", 0) + transaction + b"conn-id!", asker)
            if not self.wrong:
                self.asked, asker = self.line.recvfrom(4096)
                head = struct.pack(">I", 1) + self.asked[12:16] + struct.pack(">III", 120, 0, 1)
                self.line.sendto(head + bytes([1, 2, 3, 4, 0, 9]), asker)


def test_a_udp_tracker_is_asked_as_its_protocol_says() -> None:
    tracker = UdpTracker()
    tracker.start()
    assert ask_udp(tracker.url, ABOUT) == (120.0, (("1.2.3.4", 9),))
    tracker.join(10)
    assert len(tracker.asked) == 98
    assert tracker.asked[:12] == b"conn-id!" + struct.pack(">I", 1)
    assert tracker.asked[16:56] == ABOUT.info_hash + ABOUT.peer_id


def test_an_answer_to_another_question_is_not_taken() -> None:
    tracker = UdpTracker(wrong=True)
    tracker.start()
    with pytest.raises(ValueError, match="something else"):
        ask_udp(tracker.url, ABOUT)
    tracker.join(10)
