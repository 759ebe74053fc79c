# ruff: noqa: E501 (cells stand as in a table)
"""The codec gives back equal values of exact types, and whatever else it is given, it refuses."""

import contextlib
import json
import math
import operator
import random
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npfl_grader.engine.both import wire
from npfl_grader.engine.both.codec import CodecError, Decoder, Encoder, Malformed, Watch, replace, tables

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
)
keys = st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
arrays = hnp.arrays(
    hnp.scalar_dtypes() | hnp.unicode_string_dtypes() | hnp.byte_string_dtypes(),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
values = st.recursive(
    scalars | arrays,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner) | st.sets(keys),
    max_leaves=12,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)
TAGS = [
    "=",
    "l",
    "d",
    "od",
    "dd",
    "co",
    "s",
    "y",
    "a",
    "ao",
    "rng",
    "rs",
    "t",
    "f",
    "b",
    "c",
    "i",
    "r",
    "sl",
    "...",
    "ni",
]
TAGS += ["g", "dt", "fr", "de", "da", "td", "dq", "ty", "np", "nt", "pd", "pi", "object", "no such tag"]
trees = st.recursive(
    st.none()
    | st.integers(-2, 1 << 40)
    | st.floats()
    | st.sampled_from([*TAGS, "<f8", "|b1", "<U2", "PCG64", "pos"]),
    lambda inner: st.builds(
        lambda tag, rest: [tag, *rest], st.sampled_from(TAGS), st.lists(inner, max_size=6)
    ),
    max_leaves=20,
)


def there_and_back(value):
    encoder = Encoder()
    tree = json.loads(json.dumps(encoder.encode(value)))
    return Decoder([memoryview(b) for b in encoder.buffers]).decode(tree)


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float | complex):
        return struct.pack("2d", complex(a).real, complex(a).imag) == struct.pack(
            "2d", complex(b).real, complex(b).imag
        ) or (a != a and b != b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b


@given(values)
def test_values_come_back_equal(value):
    assert same(value, there_and_back(value))


@given(trees, st.lists(st.binary(max_size=40), max_size=3))
@settings(max_examples=400)
def test_any_tree_is_a_value_or_refused(tree, buffers):
    with contextlib.suppress(Malformed):
        Decoder(buffers).decode(tree)


@given(json_values)
def test_anything_that_json_can_say_is_a_value_or_refused(tree):
    with contextlib.suppress(Malformed):
        Decoder([b"12345678"]).decode(tree)


@given(st.binary(max_size=300) | st.builds(
    lambda text, more: struct.pack(">QI", len(text.encode()) + len(more), len(text.encode())) + text.encode() + more,
    st.text(max_size=30) | json_values.map(lambda v: json.dumps([v, [3]])), st.binary(max_size=20)))  # fmt: skip
def test_any_bytes_are_a_message_or_refused(data):
    here, there = wire.socket.socketpair()
    with here, there:
        there.sendall(data)
        there.shutdown(wire.socket.SHUT_WR)
        with contextlib.suppress(wire.Garbled, EOFError):
            wire.Channel(here).receive()


def test_a_deadline_covers_the_whole_message():
    here, there = wire.socket.socketpair()
    with here, there:
        there.sendall(struct.pack(">QI", 100, 10))
        with pytest.raises(TimeoutError):
            wire.Channel(here).receive(wire.time.monotonic() + 0.05)


FRAME = pd.DataFrame(
    {
        "whole": [1, 2, 3],
        "text": ["x", None, "z"],
        "float": [1.5, np.nan, 2],
        "day": pd.date_range("2020-01-01", periods=3),
        "kind": pd.Categorical(["u", "v", "u"]),
        "any": [[1], {"a": 2}, None],
        "gaps": pd.array([1, None, 3], dtype="Int64"),
        "truth": [True, False, True],
    }
)
TABLES = {
    "of all kinds": FRAME,
    "empty": pd.DataFrame(),
    "without rows": FRAME.loc[[]],
    "columns of one name": pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
    "dates as labels": FRAME.set_index("day"),
    "categories as labels": FRAME.set_index("kind"),
    "of groups": FRAME.groupby(["kind", "truth"], observed=True)["whole"].sum(),
    "described": FRAME[["whole", "float"]].describe(),
    "counted": FRAME["kind"].value_counts(),
    "a pivot": FRAME.pivot_table(index="truth", columns="kind", values="whole", observed=True),
    "a column": FRAME["text"],
    "durations": FRAME["day"] - FRAME["day"][0],
    "names": FRAME.columns,
    "a range": FRAME.index,
    "days": pd.date_range("2020-01-01", periods=3, freq="D"),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables_come_back_equal(table):
    kind = type(table).__name__
    check = {"DataFrame": pd.testing.assert_frame_equal, "Series": pd.testing.assert_series_equal}
    check.get(kind, pd.testing.assert_index_equal)(there_and_back(table), table)


def test_a_table_that_is_changed_in_place_is_seen_and_followed():
    here, there = FRAME.copy(), there_and_back(FRAME)
    watch = Watch([there])
    assert not watch.changed()
    there["whole"] = 2 * there["whole"]
    del there["text"]
    assert watch.changed() == [0]
    replace(here, there_and_back(there))
    pd.testing.assert_frame_equal(here, there)


@pytest.mark.parametrize(
    "parts",
    [
        ("DataFrame", ("RangeIndex", None, 0, 0, 1), ("RangeIndex", None, 0, 1 << 40, 1), ()),
        ("Series", None, ("RangeIndex", None, 0, 2, 1), ("numpy", np.zeros(3))),
        ("Series", None, ("RangeIndex", None, 0, 2, 1), ("numpy", np.zeros((2, 2)))),
        ("Series", [], ("RangeIndex", None, 0, 2, 1), ("numpy", np.zeros(2))),
        ("Index", ("Index", None, ("numpy", np.array([object()])), None)),
        ("Index", ("Index", None, ("category", ("numpy", np.arange(2)), np.array([5]), False), None)),
        ("Index", ("Index", None, ("object", np.array([None])), None)),
        ("Index", ("DatetimeIndex", None, ("numpy", np.array(["2020"], "M8[ns]")), "nonsense")),
        ("Other",),
        None,
    ],
)
def test_hostile_tables_are_refused(parts):
    with pytest.raises(Malformed):
        tables.build(parts)


HOSTILE = {
    "an array larger than its data": ["a", "<f8", [1 << 40], "C", True, 0],
    "a negative axis": ["a", "<f8", [-1], "C", True, 0],
    "objects in bytes": ["a", "|O8", [1], "C", True, 0],
    "objects in records": ["a", [["x", "O"]], [1], "C", True, 0],
    "a buffer from the end": ["b", -1],
    "a named tuple with code": ["nt", "P", ["x;import os"], [1]],
    "a named tuple with special names": ["nt", "P", ["__class__", "x"], [1]],
    "a function by its name": ["np", "load"],
    "a type by its name": ["ty", "type"],
    "an object of NumPy's modules": ["np", "__dict__"],
    "a range without end": ["r", 0, ["i", hex(10**18)], 1],
    "an integer without end": ["i", "f" * (1 << 21)],
    "a slow fraction": ["fr", ["i", "f" * 100_000], ["i", "e" * 100_000]],
    "a character that is none": ["g", "<U1", 1],
    "a position beyond the buffer of MT19937": [
        "rng", "MT19937", ["d", ["bit_generator", "MT19937"], ["state", ["d", ["key", ["a", "<u4", [624], "C", True, 2]], ["pos", 99999]]]]
    ],
    "a position before the buffer of Philox": [
        "rng", "Philox", ["d", ["bit_generator", "Philox"], ["state", ["d"]], ["buffer", ["a", "<u8", [4], "C", True, 3]], ["buffer_pos", -9]]
    ],
    "a number of what is not there": ["=", 5],
    "a number from the end": ["=", -1],
    "a list in a set": ["s", ["l"]],
    "an unknown generator": ["rng", "SeedSequence", ["d"]],
    "too few numbers of a generator": ["rng", "PCG64", [1, 3, 0]],
    "a tree for a generator of four numbers": ["rng", "PCG64", ["d"]],
    "a number below those of a generator": ["rng", "PCG64DXSM", [1, -3, 0, 0]],
    "a number beyond those of a generator": ["rng", "PCG64", [1 << 128, 3, 0, 0]],
    "a word beyond those of a generator": ["rng", "PCG64", [1, 3, 1, 1 << 40]],
}  # fmt: skip


@pytest.mark.parametrize("tree", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_are_refused(tree):
    buffers = [b"12345678", b"\xff" * 4, bytes(4 * 624), bytes(32)]
    with pytest.raises(Malformed):
        Decoder(buffers).decode(tree)


def test_a_bool_is_0_or_1():
    array = Decoder([bytes([0, 1, 2, 255])]).decode(["a", "|b1", [4], "C", True, 0])
    assert array.tobytes() == bytes([0, 1, 1, 1])


@pytest.mark.parametrize(
    "value", [object(), lambda: 0, [1, print], {1: json}], ids=["object", "lambda", "list", "dict"]
)
def test_what_is_not_in_the_list_is_not_sent(value):
    with pytest.raises(CodecError):
        Encoder().encode(value)


def test_too_large_and_too_deep_is_not_sent():
    deep: list = []
    for _ in range(100):
        deep = [deep]
    for value in (deep, [0] * 1_000_001, np.zeros(9_000_000), 1 << (1 << 23)):
        with pytest.raises(CodecError):
            Encoder().encode(value)


def test_generators_go_on_where_they_were():
    for bits in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
        here = np.random.Generator(bits(3))
        here.random(5)
        assert there_and_back(here).random() == here.random()


def test_identity_survives():
    inner = [1]
    value = [inner, {"a": inner}, inner]
    value.append(value)
    back = there_and_back(value)
    assert back[0] is back[1]["a"] is back[2]
    assert back[3] is back


CHANGES = {
    "array": (np.zeros(3), lambda v: operator.setitem(v, 0, 5)),
    "list": ([1, 2], lambda v: v.append([3])),
    "same length": ([1, 2], lambda v: operator.setitem(v, 0, 1.0)),
    "dict": ({"a": 1}, lambda v: v.update(b=2)),
    "set": ({1}, lambda v: v.add(2)),
    "bytearray": (bytearray(b"ab"), lambda v: v.extend(b"c")),
    "generator": (np.random.default_rng(1), lambda v: v.random()),
    "state": (np.random.RandomState(1), lambda v: v.rand()),
}


@pytest.mark.parametrize(("value", "change"), CHANGES.values(), ids=CHANGES)
def test_changes_in_place_are_seen_and_made_again(value, change):
    encoder = Encoder()
    sent = Decoder(encoder.buffers).decode(json.loads(json.dumps(encoder.encode(value))))
    watch = Watch([sent])
    assert watch.changed() == []
    change(sent)
    assert watch.changed() == [0]
    content = Encoder(known=[sent])
    tree = json.loads(json.dumps(content.content(sent)))
    replace(value, Decoder(content.buffers, known=[value]).decode(tree))
    again = Encoder()
    assert Watch([value])._before is not None
    assert json.dumps(again.encode(value)) == json.dumps((other := Encoder()).encode(sent))
    assert again.buffers == other.buffers


def test_floats_survive_exactly():
    for value in (0.1, -0.0, 1e-320, math.inf, *(random.Random(1).random() for _ in range(50))):
        assert struct.pack("d", there_and_back(value)) == struct.pack("d", value)
