# [locked] What the checks use: run this cell, and leave it as it is.
import numpy as np


class checks:
    """What the checks below use: they call your code, compare what comes, and say in words what is wrong.

    A mistake is named only where its result is just what came. After 'from numpy import *' the names any,
    all, sum, min, max, abs and round are NumPy's, so nothing here hands them a generator.
    """

    done = 0  # comparisons that passed since the last summary
    points = 0  # of the checks that you see, once they pass

    class Yours:
        """Your function, called by its name; whatever keeps it from answering is said in one sentence."""

        def __init__(self, name, find=None, may_return_nothing=False):
            self.name, self.find, self.may_return_nothing = name, find, may_return_nothing

        def __call__(self, *args, **kwargs):
            """Call it with copies of all arrays, so that nothing that it changes is missed later."""
            return self.in_place(*checks.copied(args), **checks.copied(kwargs))

        def in_place(self, *args, **kwargs):
            """Call it with the arguments themselves."""
            return self.answer(args, kwargs, self.may_return_nothing)

        def answer(self, args, kwargs=None, may_return_nothing=True):
            """Call it, and say what kept it from answering."""
            kwargs = kwargs or {}
            if self.find is None:
                checks.look_for_syntax_error(self.name)
                if self.name not in globals():
                    checks.complain(
                        f"{self.name} is not defined: the cell of your solution spells it otherwise, "
                        "was not run, or stopped with an error before it came so far."
                    )
            function = globals()[self.name] if self.find is None else self.find()
            if not callable(function):
                kind = type(function).__name__
                checks.complain(f"{self.name} cannot be called: you have made it a value of type {kind}.")
            told = [checks.told(value) for value in args]
            told += [f"{name}={checks.told(value)}" for name, value in kwargs.items()]
            call = f"{self.name}({', '.join(told)})"
            try:
                result = function(*args, **kwargs)
            except NotImplementedError:
                checks.complain(
                    f"NotImplementedError: {self.name} is not written yet. "
                    "Put your code in the place of 'raise NotImplementedError()' and run that cell again."
                )
            except Exception as error:
                if type(error).__module__.startswith("npfl_grader"):
                    raise  # it is the grader's, and says what it has to say
                message = " ".join(str(error).split())[:200].rstrip(" .")
                if "npfl" in message and isinstance(error, (ImportError, PermissionError)):
                    message += "; npfl cannot be imported here, as the task says"
                checks.complain(
                    f"Your code stops with {type(error).__name__}{': ' if message else ''}{message}\n"
                    f"  {checks.place(error)}\n  in the call {call}"
                )
            if result is None and not may_return_nothing:
                checks.complain(
                    f"Your code returns nothing (None) in the call {call}: "
                    "on this way through it there is no return."
                )
            return result

    class YourClass:
        """Your class; the methods of its objects are called in the same way."""

        def __init__(self, name, returning):
            self.name, self.returning = name, returning

        def __call__(self, *args, **kwargs):
            return checks.YourObject(self, checks.Yours(self.name)(*args, **kwargs))

    class YourObject:
        """An object of your class."""

        def __init__(self, kind, made):
            self.kind, self.made = kind, made

        def __getattr__(self, method):
            name = f"{self.kind.name}.{method}"
            if not hasattr(self.made, method):
                checks.complain(f"An object of your class has no {method}: is {name} defined, and spelt so?")
            return checks.Yours(name, lambda: getattr(self.made, method), method not in self.kind.returning)

    @staticmethod
    def yours(name):
        """Find your function whenever it is called."""
        return checks.Yours(name)

    @staticmethod
    def your_class(name, returning):
        """Find your class; the methods in the list `returning` must return something."""
        return checks.YourClass(name, returning)

    @staticmethod
    def complain(message):
        """Fail with a message, without the lines of the check, which say nothing about your code."""
        import textwrap

        checks.done = 0
        error = AssertionError(message)
        # "Validate" cuts off longer lines.
        lines = [
            part for line in f"AssertionError: {message}".splitlines() for part in textwrap.wrap(line, 84)
        ]
        error._render_traceback_ = lambda: ["\n".join(lines)]
        raise error from None

    @staticmethod
    def place(error, otherwise="at once: can it be called with these arguments?"):
        """Say where in your code an exception arose; the cells of the exercise are not yours."""
        notes = [note for note in getattr(error, "__notes__", []) if note.startswith("in your code")]
        if notes:
            return notes[-1]  # from the grader
        import linecache
        import sys

        frame, theirs, found = sys._getframe(), set(), otherwise
        while frame is not None:  # what runs now are the exercise's own cells
            if frame.f_globals is globals():
                theirs |= {frame.f_code.co_filename}
            frame = frame.f_back
        trace = error.__traceback__.tb_next
        while trace is not None:
            code = trace.tb_frame.f_code
            # A notebook that was saved as a script is all in one file.
            if trace.tb_frame.f_globals is globals() and (
                code.co_filename not in theirs or (len(theirs) == 1 and code.co_name != "picture")
            ):
                line = linecache.getline(code.co_filename, trace.tb_lineno, globals()).strip()
                found = f"in your code, line {trace.tb_lineno}, in {code.co_name}: {line}"
            trace = trace.tb_next
        return found

    @staticmethod
    def look_for_syntax_error(name):
        """Say where the latest version of your code has a syntax error, so that no older one is checked."""
        import ast
        import re

        for source in reversed(globals().get("In", [])):
            if re.search(rf"^(def|class)\s+{name}\b", source, re.MULTILINE):
                try:
                    ast.parse(source)
                except SyntaxError as error:
                    line = (error.text or "").strip()
                    if not line.startswith(("%", "!")):
                        checks.complain(
                            f"SyntaxError: {error.msg}, in line {error.lineno} "
                            f"of the cell that defines {name}: {line}"
                        )
                return

    @staticmethod
    def copied(value):
        """Copy all arrays, also those inside lists."""
        if isinstance(value, np.ndarray):
            return value.copy()
        if isinstance(value, (list, tuple)):
            return type(value)(map(checks.copied, value))
        if isinstance(value, dict):
            return {key: checks.copied(part) for key, part in value.items()}
        return value

    @staticmethod
    def told(value):
        """Describe a value in a few words."""
        if isinstance(value, np.ndarray):
            return f"array of shape {value.shape}" if value.ndim else f"array of the number {value:.4g}"
        if isinstance(value, np.random.Generator):
            return "rng"
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(map(checks.told, value[:3]))}{', …' if len(value) > 3 else ''}]"
        if isinstance(value, (bool, int, str, type(None))):
            return repr(value)
        if isinstance(value, (float, np.number)):
            return f"{value:.4g}"
        return getattr(value, "__name__", type(value).__name__)

    @staticmethod
    def numbers(got, case=""):
        """Take numbers, an array, or lists of numbers for an array of floats."""
        start = f"{case}: your" if case else "Your"
        try:
            value = np.asarray(got)
            if value.dtype.kind in "biuf":
                return value.astype(float)
        except Exception:
            pass
        empty = isinstance(got, (list, tuple)) and None in [x if x is None else 0 for x in got]
        inside = " with None in it" if empty else ""
        return checks.complain(
            f"{start} code returns a {type(got).__name__}{inside}, expected an array of numbers."
        )

    @staticmethod
    def alike(value, other, rtol=1e-4, atol=1e-6):
        """Whether two arrays have the same shape and nearly the same numbers; float32 is near enough."""
        other = np.asarray(other, dtype=float)
        return value.shape == other.shape and bool(np.allclose(value, other, rtol=rtol, atol=atol))

    @staticmethod
    def expect(got, wanted, mistakes=None, case="", rtol=1e-4, atol=1e-6, direction=False):
        """Compare a result with what was expected.

        Parameters
        ----------
        got : array_like
        wanted : array_like
        mistakes : dict, or list of pairs
            What known mistakes are, and what they give; the first that gives just this is named.
        case : str
            What was tried.
        direction : bool
            Whether a common factor of all numbers does not matter, because another check is about it.
        """
        value, wanted = checks.numbers(got, case), np.asarray(wanted, dtype=float)
        alike = checks.parallel if direction else checks.alike
        if alike(value, wanted, rtol, atol):
            checks.done += 1
            return  # nothing: the value of a check's last line would be taken for its points
        known = mistakes.items() if isinstance(mistakes, dict) else mistakes or []
        fitting = [
            f"\n  {text.strip()}"
            for text, wrong in known
            if alike(value, wrong, rtol, atol) or np.array_equal(value, wrong, equal_nan=True)
        ]
        named = fitting[0] if fitting else ""
        expected = f"{case}: expected" if case else "Expected"
        if value.shape != wanted.shape:
            of = [
                f"the shape {shape}" if shape else "a single number" for shape in (wanted.shape, value.shape)
            ]
            checks.complain(f"{expected} {of[0]}, got {of[1]}.{named}")
        factor = " or a multiple of it" if direction else ""
        if value.size <= 8:
            shown = [str(np.round(x, 4).tolist()) for x in (wanted, value)]
            checks.complain(f"{expected} {shown[0]}{factor}, got {shown[1]}.{named}")
        scaled = value * checks.factor(value, wanted) if direction else value
        wrong = np.argwhere(~np.isclose(scaled, wanted, rtol=rtol, atol=atol))
        at = tuple(int(i) for i in wrong[0])
        more = f", and {len(wrong) - 1} more of {value.size} are wrong" if len(wrong) > 1 else ""
        checks.complain(
            f"{expected} {wanted[at]:.6g}{factor} at index {list(at)}, got {value[at]:.6g}{more}.{named}"
        )

    @staticmethod
    def named(got, mistakes):
        """List the mistakes that give just this: what has been paid for in one check need not cost twice."""
        return [text for text, wrong in mistakes.items() if checks.alike(checks.numbers(got), wrong)]

    @staticmethod
    def told_apart(mistakes, again):
        """Leave out the mistakes that do not give what comes in a second case: in one, two may give the same.

        `again` calls your code in this case, and returns what came and what the known mistakes give.
        """
        try:
            also = checks.named(*again())
        except Exception:
            return mistakes  # your code does not answer there, which is not the matter of this check
        return {text: wrong for text, wrong in mistakes.items() if text in also}

    @staticmethod
    def parallel(value, other, rtol=1e-4, atol=1e-6):
        """Whether two arrays are nearly the same but for a common factor, which may be negative."""
        other = np.asarray(other, dtype=float)
        return value.shape == other.shape and checks.alike(
            value * checks.factor(value, other), other, rtol, atol
        )

    @staticmethod
    def factor(value, wanted):
        """Find the factor that brings an array nearest to another one; 1 where there is none."""
        with np.errstate(all="ignore"):
            found = np.vdot(value, wanted) / np.vdot(value, value)
        return found if np.isfinite(found) and found != 0 else 1.0

    @staticmethod
    def unchanged(your_function, **arguments):
        """See that your function leaves its arguments as they were."""
        before = checks.copied(arguments)
        your_function.answer(tuple(arguments.values()))
        for name, value in arguments.items():
            if not checks.same(value, before[name]):
                checks.complain(f"Your code changes its argument {name}: work on a copy.")
        checks.done += 1

    @staticmethod
    def same(value, other):
        """Whether two arrays, or two collections of them, hold the same; nothing else is looked into."""
        if isinstance(value, (list, tuple)):
            return len(value) == len(other) and False not in list(map(checks.same, value, other))
        if isinstance(value, dict):
            return value.keys() == other.keys() and checks.same(list(value.values()), list(other.values()))
        return not isinstance(value, np.ndarray) or bool(np.array_equal(value, other))

    @staticmethod
    def passed(points, whole):
        """Say how many comparisons passed, and what that is worth."""
        print(
            f"{checks.done} of {checks.done} passed, for {points} of {whole} points. "
            "The other checks run when you hand in."
        )
        checks.done, checks.points = 0, points

    @staticmethod
    def tell_validate(whole):
        """Say what is sure: "Validate" takes checks that run only when you hand in for passed."""
        import os

        if os.environ.get("NBGRADER_VALIDATING"):
            checks.complain(
                f"{checks.points} of {whole} points so far: the other checks run when you hand in.\n"
                'No mistake of yours: a failure is the only way to tell it under "Validate".'
            )

    @staticmethod
    def draw(picture):
        """Draw what your code gives; a picture that cannot be drawn yet is no mistake by itself."""
        try:
            picture()
        except NotImplementedError:
            print("No picture yet: your code is not written yet.")
        except Exception as error:
            print(f"No picture yet: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
            place = checks.place(error, "")
            if place:
                print(f"  {place}")
            elif isinstance(error, ImportError):
                print("  The picture needs it; your points do not.")
