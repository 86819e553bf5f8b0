"""Which images a scrub proves again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isomanager.planning.scrubbing import due, within
from planning.test_update import copy


def test_the_longest_unproved_comes_first_whatever_its_repository() -> None:
    copies = [copy("1", age=3), copy("2", age=90, repository="s3"), copy("3", age=30)]
    assert [str(one.title.version) for one in due(copies)] == ["2", "3", "1"]


@given(st.lists(st.integers(1, 300), max_size=8), st.integers(0, 600))
def test_the_budget_holds_but_for_one_image_that_is_larger(sizes: list[int], budget: int) -> None:
    copies = [copy(str(place)).model_copy(update={"size": size}) for place, size in enumerate(sizes, 1)]
    chosen = list(within(copies, budget))
    assert chosen == copies[: len(chosen)]
    read = sum(one.size or 0 for one in chosen)
    if not budget:
        assert chosen == copies
    else:
        assert read <= budget or len(chosen) == 1
        assert len(chosen) == len(copies) or read + (copies[len(chosen)].size or 0) > budget
