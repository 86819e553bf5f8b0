"""Which of many objects are there: by listing, which tells of what nobody asked for too, or by asking for each."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from isomanager.storage.s3_bucket import S3Bucket

PAGE = 1000
"""Objects that one answer to a listing tells of at most."""
_PAGE_IS_WORTH = 24
"""Objects that can be asked for by themselves in the time of one such answer, several at once; they cost twice its price."""
_FEWEST = 4


def lists_on(pages: int, missing: int) -> bool:
    """Pure. Whether a listing that came through `pages`, and has not told of `missing` objects that are looked for, is to go on.

    Nobody knows how much else it has to tell. So it goes on until it has cost as much as asking for each that is missing would:
    whatever there is, it comes to no more than twice the better of the two.
    """
    return missing > (_FEWEST if pages == 0 else _PAGE_IS_WORTH * (pages + 1))


def sizes_of(bucket: S3Bucket, paths: Collection[str], at_once: int, *, start_after: str = "") -> dict[str, int]:
    """The sizes in bytes of those that are there. Errors are the bucket's."""
    missing, found, pages = set(paths), dict[str, int](), 0
    listing = bucket.pages(start_after=start_after, most=min(PAGE, max(100, 2 * len(missing))))
    while lists_on(pages, len(missing)):
        page = next(listing, None)
        if page is None:
            return found
        told = {
            name: size
            for one in page
            if (name := bucket.relative(one["Key"])) in missing
            for size in [int(one["Size"])]
        }
        found |= told
        missing.difference_update(told)
        pages += 1
    return found | _asked(bucket, missing, at_once)


def _asked(bucket: S3Bucket, paths: Collection[str], at_once: int) -> dict[str, int]:
    with ThreadPoolExecutor(max(1, min(at_once, len(paths))), thread_name_prefix="looking") as pool:
        heads = zip(paths, pool.map(bucket.head, paths), strict=True)
        return {path: int(head["ContentLength"]) for path, head in heads if head is not None}
