"""Prefect's API as another program uses it: plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import httpx

LIMIT = 300.0
"""Seconds to wait for a run: generous, since nothing is proved by being quick."""

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Api:
    """The API at `url`, which ends with /api, for `account` (user, colon, password) if the server wants one.

    What the server refuses fails the test with its words.
    """

    url: str
    account: str = ""

    def _asked(self, method: str, path: str, **rest: Any) -> httpx.Response:
        user, colon, password = self.account.partition(":")
        auth = (user, password) if colon else None
        return httpx.request(method, f"{self.url}{path}", auth=auth, timeout=60, trust_env=False, **rest)

    def get(self, path: str) -> Any:
        answer = self._asked("GET", path)
        assert answer.is_success, answer.text
        return answer.json()

    def send(self, method: str, path: str, body: object) -> httpx.Response:
        """The answer; 503 is asked again, as Prefect's own client does: its SQLite was busy, and nothing was done."""
        until = monotonic() + LIMIT
        while True:
            answer = self._asked(method, path, json=body)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or monotonic() > until:
                break
            sleep(0.2)
        assert answer.is_success, answer.text
        return answer

    def deployment(self, name: str) -> Any:
        return self.get(f"/deployments/name/{name}")

    def start(self, deployment: str, parameters: dict[str, Any], **rest: Any) -> httpx.Response:
        known = self.deployment(deployment)["id"]
        return self.send("POST", f"/deployments/{known}/create_flow_run", {"parameters": parameters, **rest})

    def started(self, run: str) -> Any:
        """The run, once its flow has begun."""
        return self._once(run, ("RUNNING",))

    def ended(self, run: str) -> Any:
        """The run, once it has come to its end."""
        return self._once(run, ENDED)

    def completed(self, run: str) -> Any:
        """The run, once it has been completed; what it logged if it has not."""
        seen = self.ended(run)
        assert seen["state"]["type"] == "COMPLETED", f"{seen['name']}: {seen['state']['message']}\n{self.log(run)}"
        return seen

    def paused(self, run: str, words: str) -> None:
        """Wait until the run has paused with a form that says `words`."""
        until = monotonic() + LIMIT
        while words not in self._question(run):
            assert monotonic() < until, f"the run never asked '{words}':\n{self.log(run)}"
            sleep(0.2)

    def _question(self, run: str) -> str:
        """What the form says at which the run has paused; empty while it goes on."""
        state = self.get(f"/flow_runs/{run}")["state"]
        assert state["type"] not in ENDED, f"{state['message']}\n{self.log(run)}"
        if state["type"] != "PAUSED":
            return ""
        key = state["state_details"]["run_input_keyset"]["description"]
        asked = self.send("POST", f"/flow_runs/{run}/input/filter", {"prefix": key}).json()
        return str(asked[0]["value"]) if asked else ""  # a run pauses first and asks then

    def log(self, run: str) -> str:
        """What the run has logged."""
        body = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
        return "\n".join(one["message"] for one in self.send("POST", "/logs/filter", body).json())

    def _once(self, run: str, states: tuple[str, ...]) -> Any:
        until = monotonic() + LIMIT
        while (seen := self.get(f"/flow_runs/{run}"))["state"]["type"] not in states:
            assert monotonic() < until, f"the run is still {seen['state']}:\n{self.log(run)}"
            sleep(0.2)
        return seen

    def scheduled(self, deployment: str) -> list[Any]:
        """The deployment's runs to come, once the server's scheduler has made some."""
        known = self.deployment(deployment)["id"]
        body = {
            "deployments": {"id": {"any_": [known]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        }
        until = monotonic() + LIMIT
        while not (runs := list(self.send("POST", "/flow_runs/filter", body).json())):
            assert monotonic() < until, f"the schedule of {deployment} makes no runs"
            sleep(0.5)
        return runs

    def everything(self) -> str:
        """All that the server tells whoever may ask: runs with parameters, logs, artifacts, deployments, events, blocks and so on."""
        kinds = (
            "flow_runs",
            "task_runs",
            "logs",
            "artifacts",
            "deployments",
            "block_documents",
            "variables",
            "automations",
        )
        told = [page for kind in (*kinds, "work_pools", "flow_run_states") for page in self._pages(kind)]
        return "\n".join([*told, *self._events()])

    def _pages(self, kind: str) -> Iterator[str]:
        if kind == "flow_run_states":
            for run in self.send("POST", "/flow_runs/filter", {}).json():
                yield json.dumps(self.get(f"/flow_run_states/?flow_run_id={run['id']}"))
            return
        offset = 0
        while page := self.send("POST", f"/{kind}/filter", {"limit": 200, "offset": offset}).json():
            yield json.dumps(page)
            offset += len(page)

    def _events(self) -> Iterator[str]:
        page = self.send("POST", "/events/filter", {"limit": 50}).json()
        while page["events"]:
            yield json.dumps(page["events"])
            if not page["next_page"]:
                return
            page = self.get(page["next_page"].partition("/api")[2])
