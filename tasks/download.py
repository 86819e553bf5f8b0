"""Download: bytes into an unfinished file of the repository, hashed as they pass. A retry resumes."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.downloading import download_reserved
from isomanager.library.opening import current_library
from isomanager.library.reserving import Reservation
from isomanager.model import Received
from tasks.progress import ReportedProgress
from tasks.sharing import download_slot, keep_to_shared_rate


@task(name="download", task_run_name="download {image}", cache_policy=NO_CACHE, persist_result=False)
def download(image: str, reservation: Reservation) -> Received:
    """Fetch what was reserved; nothing is visible under the final name yet."""
    keep_to_shared_rate(current_library())
    with download_slot(next(iter(reservation.expectation.offer.urls), "")):
        return download_reserved(current_library(), reservation, ReportedProgress(image))
