"""How the instructor's own solution did, and what to write where it needs the student's process."""

import re
from dataclasses import dataclass, field

# What a test says that was kept from the student's objects, and how to write it so that it need not be.
_MENDS = {
    r"NameError: name '(\w+)'": (
        "it uses {0}, which only the student's process has: define or import {0} in a locked cell"
    ),
    r"returned an object of class (\w+).*\((\w+)\)": (
        "it compares or converts objects of {0} ({1}): compare their attributes, which are values"
    ),
    r"an object of class (\w+) cannot be passed": (
        "it passes an object of {0} to the student's code: pass values, or define the class in a locked cell"
    ),
    r"cannot be derived from a class": "it derives a class from a student's: test an instance instead",
    r"ModuleNotFoundError|ImportError": (
        "it imports what only the student's process has: put the module beside the source notebook"
    ),
    r"FileNotFoundError": "it reads a file that the student's code writes: let that code return the content",
    r"did not (?:answer|end) (?:in time|within)": (
        "it calls the student's code too often for the time limit: call it fewer times, or raise "
        "c.NpflGrader.call_timeout"
    ),
}


@dataclass(frozen=True)
class Written:
    """What the instructor's notebook does with names, in its solution and in cells that anybody may change.

    Attributes
    ----------
    assigned : dict
        For each solution cell, by grade id, the variables that it assigns. Where an instructor's cell has a
        variable of that name too, it is the student's from then on.
    followed : list of str
        The global names that functions read whenever they are called.
    modules : dict
        The modules that are imported, by the names that they are given.
    """

    assigned: dict[str, list[str]] = field(default_factory=dict)
    followed: list[str] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tried:
    """How the instructor's solution of one notebook did.

    Attributes
    ----------
    tests : int
        How many tests give points.
    together : dict
        The tests, by grade id, that it passes only together, and what each said apart.
    lost : dict
        The tests, by grade id, that it does not pass, and why.
    ends : dict
        What tests end in, by grade id, where that is neither nothing nor a number.
    asked : dict
        For which attributes and operators each test takes the word of its objects, by grade id.
    """

    tests: int
    together: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """Say which tests lose points or protection, one line each, and the mend."""
        return [
            *(f"{test}: your own solution gets {why}" for test, why in self.lost.items()),
            *(
                f"{test}: judged in one process with the student's code, unprotected: {mend(said)}"
                for test, said in self.together.items()
            ),
        ]


def mend(said: str) -> str:
    """Name what a test does that two processes cannot, and what to write instead."""
    for pattern, advice in _MENDS.items():
        if found := re.search(pattern, said):
            return advice.format(*(group or "" for group in found.groups()))
    return "it relies on objects that stay in the student's process: compare values"
