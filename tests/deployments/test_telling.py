"""Somebody is told: a webhook that a person described in a block is called when an image is refused."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.blocks.webhook import Webhook

from deployments.automations import NOTIFY, Teller, automations
from deployments.bootstrap import deploy
from flows.reporting import EVENTS, NEARLY_FULL, emit
from isomanager.settings import load_settings
from prefect_over_http import LIMIT, Api

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(900)]


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: queue.Queue[Any] = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posted.put(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(api: Api, receiver: Receiver) -> Iterator[Receiver]:
    """A receiver that a block names, and the automation that a deploy makes for it."""
    document = Webhook(url=receiver.url).save(NOTIFY, overwrite=True)
    sentences = list(deploy(load_settings()))
    assert "Automation 'isomanager: tell by webhook': made." in sentences
    yield receiver
    for one in api.send("POST", "/automations/filter", {}).json():
        if "tell by" in one["name"] or "nothing ran" in one["name"]:
            api.send("DELETE", f"/automations/{one['id']}", None)
    api.send("DELETE", f"/block_documents/{document}", None)


def test_a_webhook_is_called_with_what_happened_to_which_image(told: Receiver) -> None:
    emit(EVENTS["published"], "sample-quiet", {"reason": "nobody is told of what went well"})
    emit(EVENTS["quarantined"], 'sample-"lantern"', {"reason": "the SHA-256 differs", "repository": "default"})
    called = told.posted.get(timeout=LIMIT)
    assert called["event"] == EVENTS["quarantined"]
    assert called["subject"] == 'sample-"lantern"'
    assert called["payload"]["reason"] == "the SHA-256 differs"
    emit(NEARLY_FULL, "default", {"reason": "1 GiB is free", "free": 1 << 30}, kind="repository")
    assert told.posted.get(timeout=LIMIT)["payload"]["free"] == 1 << 30


def test_somebody_is_told_when_nothing_ran_for_too_long(told: Receiver, api: Api) -> None:
    document = api.get(f"/block_types/slug/webhook/block_documents/name/{NOTIFY}")["id"]
    made = automations(uuid4(), (Teller(UUID(document), "webhook"),), 3)
    (silent,) = [one for one in made if "nothing ran" in one.name]
    soon = silent.trigger.model_copy(update={"within": timedelta(seconds=10)})  # in place of days
    own = silent.model_copy(update={"trigger": soon, "name": f"{silent.name}, soon"}).model_dump(mode="json")
    known = api.send("POST", "/automations/", own).json()["id"]
    try:
        called = told.posted.get(timeout=LIMIT)
        while called["event"] != "isomanager.silent":  # what another test did may be told of late
            called = told.posted.get(timeout=LIMIT)
    finally:
        api.send("DELETE", f"/automations/{known}", None)
    assert called == {"event": "isomanager.silent", "subject": "No run of isomanager was completed for 3 days."}
