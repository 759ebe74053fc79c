"""Reference implementations for the book on training neural networks.

Each module is one topic of the lecture and is named by the word that its chapter uses.
It needs NumPy alone.

A wrong argument raises TypeError or ValueError, whichever fits, with one line that says which argument it is,
what it must be, and what came; nothing is changed then. Masked arrays are refused, because NumPy would drop
their masks. Options of a class are given by keyword, and may be set later with the same checks. A copy of an
object, shallow or deep, shares nothing with it. Sums of float16 numbers are taken in float32.
"""

__version__ = "0.1.0"
