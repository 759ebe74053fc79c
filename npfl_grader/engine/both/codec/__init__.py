"""Values that may pass between the tests' process and the student's: an allow-list, never pickle.

A value becomes a tree that JSON can say and a list of raw buffers. Decoding builds only objects of exact
types of Python, its library, NumPy and pandas, so that nothing of a student's ``__eq__`` or
``__array_ufunc__`` ever reaches the tests. None, bool, int, float and str stand for themselves; everything
else is a list that begins with a tag.

Mutable values are numbered in the order in which they are met, on both sides alike. A later mention of the
same object is its number, so that identity survives, and so does a change in place: see `Watch`.

A new type of value takes a branch in `encode`, a reader in `decode`, a line in ``TAGS`` of the tests, and, if
it can be changed in place, a branch in `watch`.
"""

from npfl_grader.engine.both.codec.decode import Decoder
from npfl_grader.engine.both.codec.encode import Encoder
from npfl_grader.engine.both.codec.kinds import CodecError, Malformed
from npfl_grader.engine.both.codec.watch import Watch, replace

__all__ = ["CodecError", "Decoder", "Encoder", "Malformed", "Watch", "replace"]
