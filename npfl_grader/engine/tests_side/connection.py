"""The tests' end of a connection to one student's process: requests, answers, and questions in between."""

import socket
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from npfl_grader.engine.both.codec import CodecError, Decoder, Encoder, Malformed, Watch, replace
from npfl_grader.engine.both.randomness import global_random, set_global_random
from npfl_grader.engine.both.shell import CellTimeout, Stream
from npfl_grader.engine.both.wire import MALFORMED, Channel, Garbled
from npfl_grader.engine.tests_side import remote
from npfl_grader.engine.tests_side.remote import Remote

_USUAL_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
# Of the values that both sides have, the latest are kept alike. Each is compared at each request, so what a
# test collects from a thousand calls must not count.
_MOST_SHARED = 100
_MOST_NESTED = 50


class NoAnswer(RuntimeError):
    """The student's process has ended, has sent nonsense, or has not answered in time."""


class Unsupported(TypeError):
    """The tests ask for something that cannot be done across two processes."""


class Connection:
    """A connection to a student's process.

    Parameters
    ----------
    sock : socket
    seconds : float
        How long an answer may take.
    shares_random : bool
        Whether the tests seed the global generators, whose states have to travel with each call then.

    Attributes
    ----------
    end : str or None
        How the process failed to answer: ``timeout`` or ``crash``.
    unsupported_because : str or None
        What the tests asked for in vain.
    waited : float
        Seconds spent waiting for answers.
    """

    def __init__(self, sock: socket.socket, seconds: float, *, shares_random: bool = False) -> None:
        self.channel = Channel(sock)
        self.seconds = seconds
        self.end: str | None = None
        self.unsupported_because: str | None = None
        self.waited = 0.0
        self.process: int | None = None
        self._message = ""
        self._shares_random = shares_random
        self._remotes: remote.Registry = remote.Registry()
        self._exceptions = remote.Exceptions()
        # Mutable values that both sides have, by their numbers at the other one; as of the last exchange.
        self._shared: list[Any] = []
        self._places: list[int] = []
        self._watch = Watch([])
        self._in_flight: list[Any] | None = None
        self._given: list[Any] = []
        self._raised: list[BaseException] = []
        self.students_errors: list[BaseException] = []
        self._depth = 0

    def close(self) -> None:
        self.channel.close()

    def unsupported(self, reason: str) -> NoReturn:
        """Refuse what the tests ask for; their cell is no evidence against the student then."""
        self.unsupported_because = reason
        raise Unsupported(reason)

    def request(
        self,
        header: dict[str, Any],
        buffers: Sequence[bytes] = (),
        seconds: float | None = None,
        descriptors: Sequence[int] = (),
    ) -> tuple[dict[str, Any], list[memoryview]]:
        """Send a request, with descriptors if there are some, and return the answer.

        Raises
        ------
        NoAnswer
            If none comes, now or ever again.
        """
        if self.end:
            raise NoAnswer(self._message)
        seconds = self.seconds if seconds is None else seconds
        started = time.monotonic()
        deadline = started + seconds
        try:
            try:
                self.channel.send(header, buffers, deadline)
                if descriptors:
                    socket.send_fds(self.channel.socket, [b"d"], descriptors)
            except OverflowError as error:
                self.unsupported(str(error))
            while True:
                answer, received = self.channel.receive(deadline)
                if type(answer) is not dict:
                    raise Garbled("no answer")
                if answer.get("op") != "ask":
                    return answer, received
                self._tell(answer, received, deadline)
        except TimeoutError:
            self.fail("timeout", f"your code did not answer within {seconds:g} s")
        except CellTimeout:
            self.fail("timeout", "the check did not end in time, your code was still running")
        except (EOFError, OSError):
            self.fail("crash", "your code ended the process that it ran in")
        except (Garbled, *MALFORMED):
            self.fail("crash", "your code broke the process that it ran in")
        finally:
            self.waited += time.monotonic() - started

    def fail(self, end: str, message: str) -> NoReturn:
        """Give the process up."""
        self.end, self._message = end, message
        raise NoAnswer(message) from None

    def do(self, action: str, *args: Any, **kwargs: Any) -> Any:
        """Let the student's process do something with values, and return what comes of it.

        Values that both sides have, such as arguments and what attributes gave, stay alike: what the tests
        have changed in place is changed there first, and what the student's code changes is changed here.
        """
        changed = set(self._watch.changed())
        # What the tests have let go of need not be kept alike. Two lists have it, and the call that counts.
        held = [k for k in range(len(self._shared)) if k in changed or sys.getrefcount(self._shared[k]) > 3]
        held = [k for k in held[:-_MOST_SHARED] if k in changed] + held[-_MOST_SHARED:]
        encoder = Encoder(self._refer, [self._shared[k] for k in held])
        try:
            header = {
                "op": "do",
                "action": action,
                "keep": [self._places[k] for k in held],
                "changed": [
                    [n, encoder.content(self._shared[k])] for n, k in enumerate(held) if k in changed
                ],
                "args": [encoder.encode(value) for value in args],
                "kwargs": {name: encoder.encode(value) for name, value in kwargs.items()},
            }
            if (errors := np.geterr()) != _USUAL_ERRORS:
                header["errors"] = errors
            mutable = encoder.mutable.copy()
            if self._shares_random:
                header["random"] = encoder.encode(global_random())
        except CodecError as error:
            self.unsupported(str(error))
        self._in_flight = mutable
        answer, buffers = self.request(header, encoder.buffers)
        try:
            self._show(answer.get("outputs"))
            decoder = Decoder(buffers, self._decode_reference, mutable)
            for place, tree in answer.get("changed", ()):
                if type(place) is not int or not 0 <= place < len(mutable):
                    raise Malformed("no argument")
                replace(mutable[place], decoder.decode(tree))
            if "classes" in answer:
                raised = self._exception(answer, stops=action == "next")
            else:
                value = decoder.decode(answer["value"])
            if self._shares_random and "random" in answer:
                set_global_random(Decoder(buffers, known=decoder.mutable).decode(answer["random"]))
        except (*MALFORMED, Malformed):
            self.fail("crash", "your code broke the process that it ran in")
        self._share(decoder.mutable)
        if "classes" in answer:
            raise raised
        return value

    def _share(self, mutable: list[Any]) -> None:
        """Remember what both sides have now; where content was sent, a number stands for nothing."""
        self._in_flight = None
        self._places = [place for place, value in enumerate(mutable) if value is not None]
        self._shared = [mutable[place] for place in self._places]
        self._watch = Watch(self._shared)

    def names(self, wanted: list[str]) -> dict[str, Any]:
        """Fetch variables of the student's; those that do not exist, or make no sense, are left out."""
        answer, buffers = self.request({"op": "names", "names": wanted})
        values = {}
        try:
            decoder = Decoder(buffers, self._decode_reference)
            for name, tree in answer["values"].items():
                if name in wanted and not _unknown_module(tree):
                    values[name] = decoder.decode(tree)
        except MALFORMED:
            self.fail("crash", "your code broke the process that it ran in")
        self._share(decoder.mutable)
        return values

    def _exception(self, answer: dict[str, Any], *, stops: bool) -> BaseException:
        if type(place := answer.get("of the tests")) is int and 0 <= place < len(self._raised):
            return self._raised[place]
        kind = self._exceptions.kind(answer["classes"], stops=stops)
        args = answer.get("args")
        if args is not None:
            args = [Decoder(()).decode(tree) for tree in args]
        error = remote.build(kind, answer["message"], args)
        self.students_errors.append(error)
        for name, tree in answer.get("attributes", {}).items():
            if remote.identifier(name) == name and not name.startswith("_"):
                setattr(error, name, Decoder(()).decode(tree))
        for line, function, text in answer.get("lines", [])[:3]:
            if type(line) is int and type(function) is str and type(text) is str:
                error.add_note(f"in your code, line {line}, in {function[:80]}: {text[:200]}")
        return error

    def _show(self, outputs: Any) -> None:
        """Write what the student's code wrote, to where the test wants it."""
        for output in outputs if type(outputs) is list else []:
            if output.get("output_type") != "stream" or type(output.get("text")) is not str:
                continue
            # Unless a test captures it, what was written to stderr is shown as all else: it costs no point.
            redirected = output.get("name") == "stderr" and not isinstance(sys.stderr, Stream)
            (sys.stderr if redirected else sys.stdout).write(output["text"])

    def _refer(self, value: Any) -> Any:
        """Make the tree of an object of the tests' that stays here, or of the student's own."""
        if isinstance(value, Remote):
            if remote.connection(value) is not self:
                raise CodecError(
                    "an object that the student's code made in another cell cannot be passed back"
                )
            return ["object", remote.number(value)]
        if callable(value) or hasattr(type(value), "__next__") or type(value).__module__ == "__main__":
            self._given.append(value)
            return ["given", len(self._given) - 1, str(getattr(value, "__name__", type(value).__name__))]
        raise CodecError(f"an object of class {type(value).__name__} cannot be passed to the student's code")

    def _decode_reference(self, tag: str, parts: list[Any]) -> Any:
        if tag == "object":
            place, flags, name = parts
            if type(place) is not int or type(flags) is not list or len(flags) > 10:
                raise Malformed("no object")
            found = self._remotes.get(place)
            if found is None:
                found = self._remotes[place] = remote.make(self, place, flags, name)
            return found
        if tag == "class of exceptions":
            return self._exceptions.kind(parts[0], stops=True)
        if tag == "module":
            return remote.module(parts[0])
        raise Malformed("unknown tag")

    def _tell(self, question: dict[str, Any], buffers: list[memoryview], deadline: float) -> None:
        """Answer a question that the student's code asks about what the tests gave it."""
        if self._depth >= _MOST_NESTED:
            raise Garbled("too many questions inside each other")
        self._depth += 1
        if self._in_flight is not None:
            self._share(self._in_flight)
        decoder, encoder = Decoder(buffers, self._decode_reference), Encoder(self._refer)
        self._show(question.get("outputs"))
        place, action = question["number"], question["action"]
        if type(place) is not int or not 0 <= place < len(self._given):
            raise Garbled("no object of the tests")
        args = [decoder.decode(tree) for tree in question["args"]]
        kwargs = {name: decoder.decode(tree) for name, tree in question["kwargs"].items()}
        try:
            answer = {"op": "told", "value": encoder.encode(_act(self._given[place], action, args, kwargs))}
        except (CellTimeout, NoAnswer):
            raise
        except BaseException as error:
            if isinstance(error, CodecError):
                self.unsupported_because = str(error)
            self._raised.append(error)
            answer = {"op": "told", "error": type(error).__name__, "message": str(error)[:1000]}
            answer["number"] = len(self._raised) - 1
        finally:
            self._depth -= 1
        self.channel.send(answer, encoder.buffers, deadline)


def _unknown_module(tree: Any) -> bool:
    """Say whether a variable is a module that the tests, if they need it, have to import themselves."""
    if type(tree) is not list or tree[0] != "module":
        return False
    try:
        remote.module(tree[1])
    except Malformed:
        return True
    return False


def _act(value: Any, action: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Do what student code may do with an object of the tests: call, step, read public attributes."""
    if action == "call" and callable(value):
        return value(*args, **kwargs)
    if action == "next" and hasattr(type(value), "__next__"):
        return next(value)
    # Attributes of functions, generators or modules would lead to the tests' variables.
    if (
        action == "get"
        and type(value).__module__ == "__main__"
        and type(args[0]) is str
        and args[0][:1] != "_"
    ):
        return getattr(value, args[0])
    raise AttributeError("the tests do not let your code do that")
