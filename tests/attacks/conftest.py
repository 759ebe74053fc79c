"""The levels of protection at which the attacks are tried; `test_users` tries them as other users too."""

import os

import pytest

from npfl_grader.engine.host import keeper, warm, worker

# Root, whose Python nobody else can read, cannot give up its rights without namespaces: see test_users.
LEVELS = ["full", "landlock"] if os.getuid() or warm.readable_by_nobody() else ["full"]


@pytest.fixture(scope="module", params=LEVELS)
def pair(request):
    worker.close()
    pair = worker.Pair(request.param, [*worker.LIBRARIES.values()])
    assert pair.level == request.param, pair.student.reasons
    worker._idle.append(pair)
    yield pair
    worker.close()
    assert not os.path.exists(pair.student.base)
    assert not os.path.exists(pair.tests.base)


@pytest.fixture
def left_over(pair):
    """Which processes there are below the warm ones; the same as before are there after each attack."""

    def left_over():
        return {p for warm_one in (pair.student, pair.tests) for p in keeper.below(warm_one.process.pid)}

    before = left_over()
    yield
    if worker._idle and worker._idle[-1] is pair:
        assert left_over() == before
        assert os.listdir(pair.student.base) == os.listdir(pair.tests.base) == []
