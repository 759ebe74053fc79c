"""The tables of pandas as the arrays that they consist of, if pandas is there.

Nothing of a table but its arrays, labels and names crosses; an exact DataFrame, Series or Index is built of
them. What is in none of the kinds of columns below, such as times with a zone, stays where it is.
"""

import sys
from typing import Any

import numpy as np

from npfl_grader.engine.both.codec.kinds import DATES, MOST_RANGE, CodecError, Malformed

_MASKED: tuple[str, ...] = ("str", "string", "boolean", "Float32", "Float64")
_MASKED += tuple(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
_PLAIN = (type(None), bool, int, float, complex, str, bytes, *DATES.values())


def kind_of(value: Any) -> str:
    """Say which kind of table a value is exactly, or "" if it is none."""
    name = type(value).__name__
    pandas = sys.modules.get("pandas")
    if name in ("DataFrame", "Series") and type(value) is getattr(pandas, name, None):
        return name
    if name.endswith("Index") and pandas and isinstance(value, pandas.Index):
        known = (pandas.Index, pandas.RangeIndex, pandas.MultiIndex, pandas.DatetimeIndex)
        return "Index" if type(value) in (*known, pandas.TimedeltaIndex, pandas.CategoricalIndex) else ""
    return ""


def take_apart(value: Any) -> tuple[Any, ...]:
    """Give the parts of a table: tuples of text, numbers and arrays.

    Raises
    ------
    CodecError
        If a part of it is of no kind that may cross.
    """
    if (kind := kind_of(value)) == "Index":
        return kind, _index(value)
    if kind == "Series":
        return kind, value.name, _index(value.index), _column(value)
    columns = [_column(value.iloc[:, place]) for place in range(value.shape[1])]
    return kind, _index(value.columns), _index(value.index), tuple(columns)


def build(parts: Any) -> Any:
    """Make a table of its parts.

    Raises
    ------
    Malformed
        If they are not those of a table.
    """
    try:
        import pandas

        kind, *rest = parts
        if kind == "Index":
            return _make_index(pandas, *rest)
        if kind == "Series":
            name, index, column = rest
            values = _make_column(pandas, column)
            return pandas.Series(values, _make_index(pandas, index), name=_plain(name))
        columns, index, all_values = rest
        made = {place: _make_column(pandas, column) for place, column in enumerate(all_values)}
        frame = pandas.DataFrame(made, index=_make_index(pandas, index))
        frame.columns = _make_index(pandas, columns)
    except Exception as error:
        raise Malformed(f"no table: {error}") from None
    return frame


def _column(values: Any) -> tuple[Any, ...]:
    """Take a Series or an Index apart, but for its labels."""
    name = str(values.dtype)
    if isinstance(values.dtype, np.dtype):
        return "numpy", np.array(values)
    if name == "category":
        known = values.array
        return name, _column(known.categories), np.array(known.codes), bool(known.ordered)
    if name not in _MASKED:
        raise CodecError(f"a column of type {name} cannot be sent")
    items = np.array(values.to_numpy(dtype=object))
    items[np.array(values.isna())] = None
    return name, items


def _make_column(pandas: Any, column: Any) -> Any:
    name, values, *rest = column
    if name == "numpy":
        return pandas.array(_array(values), dtype=values.dtype)
    if name == "category":
        codes, ordered = rest
        categories = _labels(_make_column(pandas, values))
        return pandas.Categorical.from_codes(_array(codes), categories, ordered=ordered is True)
    if name not in _MASKED:
        raise Malformed("no type of column")
    return pandas.array(_labels(_array(values)), dtype=name)


def _index(index: Any) -> tuple[Any, ...]:
    kind = type(index).__name__
    if kind == "RangeIndex":
        return kind, index.name, index.start, index.stop, index.step
    if kind == "MultiIndex":
        levels = [index.get_level_values(place) for place in range(index.nlevels)]
        return kind, tuple(index.names), *map(_column, levels)
    return kind, index.name, _column(index), getattr(index, "freqstr", None)


def _make_index(pandas: Any, parts: Any) -> Any:
    kind, name, *rest = parts
    if kind == "RangeIndex":
        if not all(type(end) is int for end in rest) or len(range(*rest)) > MOST_RANGE:
            raise Malformed("no range")
        return pandas.RangeIndex(*rest, name=_plain(name))
    if kind == "MultiIndex":
        levels = [_labels(_make_column(pandas, level)) for level in rest]
        return pandas.MultiIndex.from_arrays(levels, names=_plain(name))
    column, frequency = rest
    values = _labels(_make_column(pandas, column))
    index = pandas.Index(values, dtype=values.dtype, name=_plain(name))
    if frequency is not None:
        index.freq = _plain(frequency)
    return index


def _labels(values: Any) -> Any:
    """Return an array whose elements pandas may look at: none of them is a stand-in."""
    if (labels := np.asarray(values)).dtype == object:
        for label in labels:
            _plain(label)
    return values


def _plain(value: Any) -> Any:
    parts = value if type(value) is tuple else (value,)
    if not all(type(part) in _PLAIN or isinstance(part, np.generic) for part in parts):
        raise Malformed("no label")
    return value


def _array(values: Any) -> np.ndarray:
    if type(values) is not np.ndarray or values.ndim != 1:
        raise Malformed("no column")
    return values
