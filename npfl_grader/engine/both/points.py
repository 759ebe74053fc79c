"""The points that a test's last expression gives."""

import decimal
import fractions
import math
from typing import Any

import numpy as np

# A bool is a statement, not a number of points.
_NUMBERS = (int, float, fractions.Fraction, decimal.Decimal, np.integer, np.floating)


def points(value: Any) -> tuple[float | None, str]:
    """Read a test's last value as a number of points.

    Returns
    -------
    number : float or None
        None if there is no value, or if it is no number.
    unclear : str
        What the value is if it is neither nothing nor a number; a student's code may have made it.
    """
    if value is None:
        return None, ""
    if type(value) is bool:
        return None, f"the value {value}"
    if type(value) in _NUMBERS or isinstance(value, np.integer | np.floating):
        try:
            number = float(value)
        except (OverflowError, ValueError):
            number = math.nan
        return (number, "") if math.isfinite(number) else (None, "a number that is not finite")
    return None, f"an object of type {type(value).__name__}"
