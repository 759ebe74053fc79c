# ruff: noqa: E501 (bytes stand as in a table)
"""The targets of `make fuzz`, on bytes that are likely to break them; Atheris goes on from the same examples."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from examples import EXAMPLES
from targets import TARGETS

PIECES = [
    b"\x00",
    b"\x1b[2J",
    b"\xff\xfe",
    b"[/b]",
    b"=1+1",
    b"../",
    b"\\ud800",
    b"\n",
    b'"',
    b"9" * 30,
    b"\xe2\x80\xae",
]


@st.composite
def damaged(draw: st.DrawFn, examples: list[bytes]) -> bytes:
    """An example with some of its bytes taken out, doubled or replaced."""
    data = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(0, 4))):
        first, last = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        new = draw(
            st.one_of(st.sampled_from(PIECES), st.binary(max_size=20), st.just(2 * data[first:last][:500]))
        )
        data = data[:first] + new + data[min(last, first + 200) :]
    return data


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_raises_and_nothing_active_comes_out(target, data):
    TARGETS[target](data.draw(st.one_of(damaged(EXAMPLES[target]), st.binary(max_size=300))))


@pytest.mark.parametrize("target", TARGETS)
def test_the_examples(target):
    for example in EXAMPLES[target]:
        TARGETS[target](example)
