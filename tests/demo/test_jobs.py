"""Jobs beside the live sessions, when the server ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bithuman_core.demo.jobs import JobCancelled, Jobs

Ask = Callable[[Jobs], Coroutine[Any, Any, Any]]
ASKED: list[Ask] = [
    lambda jobs: jobs.check(dict),
    lambda jobs: jobs.load(dict),
    lambda jobs: jobs.speak(dict),
    lambda jobs: jobs.run(lambda report: None, lambda stage, share: None),
]


@pytest.mark.parametrize("ask", ASKED)
def test_who_comes_after_the_end_is_told_so(ask: Ask) -> None:
    jobs = Jobs()
    jobs.close()
    with pytest.raises(JobCancelled):
        asyncio.run(ask(jobs))
