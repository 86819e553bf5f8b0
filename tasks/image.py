"""One image from plan to copy: the parent that calls download, verify and register.

Calling, not submitting: waiting tasks would each hold a thread of the pool.
"""

from __future__ import annotations

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.errors import IsoManagerError
from isomanager.library.opening import current_library
from isomanager.library.outcomes import failed_outcome, published_outcome
from isomanager.library.repairing import repaired_instead
from isomanager.library.reserving import reserved
from isomanager.model import Action, Outcome
from tasks.download import download
from tasks.progress import ReportedProgress
from tasks.register import register
from tasks.retrying import patient
from tasks.verify import verify


@task(name="image", task_run_name="{image}", cache_policy=NO_CACHE, persist_result=False)
def bring_in(image: str, action: Action, planned_at: datetime) -> Outcome:
    """What became of the image. An image that fails does not stop the others: its error is its outcome.

    A copy of it that failed a proof is repaired, if that can be, rather than fetched anew beside it.
    """
    try:
        mended = repaired_instead(current_library(), action, progress=ReportedProgress(image))
        if mended is not None:
            return mended
        with reserved(current_library(), action, planned_at) as reservation:
            received = patient(download)(image, reservation)
            receipt = patient(verify)(image, reservation, received)
            copy = patient(register)(image, reservation, received, receipt)
    except IsoManagerError as wrong:
        return failed_outcome(action, wrong)
    return published_outcome(action, copy, received, anew=copy.id == reservation.copy.id)
