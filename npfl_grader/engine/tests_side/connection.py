"""The tests' end of a connection to one student's process: requests, answers, and questions in between.

Whatever goes wrong is raised where it is known whose fault it is. `Malformed` and `wire`'s exceptions are the
student's, `Unsupported` is the tests' own. Any other exception is the engine's: it is kept with its
traceback, and the cell is no evidence against the student then, however the test took it.
"""

import functools
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from npfl_grader.engine.both.codec import CodecError, Decoder, Encoder, Malformed, Watch, replace
from npfl_grader.engine.both.randomness import GENERATORS
from npfl_grader.engine.both.shell import CellTimeout, Stream, Variables
from npfl_grader.engine.both.sizes import Sizes
from npfl_grader.engine.both.wire import Channel, Closed, Garbled, Late, Message, TooLarge
from npfl_grader.engine.job import MOST_WAITING, Status
from npfl_grader.engine.tests_side import exceptions, remote
from npfl_grader.engine.tests_side.failures import Fault, NoAnswer, Unsupported
from npfl_grader.engine.tests_side.followed import Followed
from npfl_grader.engine.tests_side.patience import Patience
from npfl_grader.engine.tests_side.reading import a_list, act, unknown_module
from npfl_grader.engine.tests_side.remote import Remote

_USUAL_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
# Of the values that both sides have, the latest are kept alike. Each is compared at each request, so what a
# test collects from a thousand calls must not count.
_MOST_SHARED = 100
_MOST_NESTED = 50
_START = 20.0  # seconds for a process to start


class Connection:
    """A connection to a student's process.

    Parameters
    ----------
    sock : socket
    seconds : float
        How long an answer may take.
    sizes : Sizes
        How large values may be.
    shares_random : bool
        Whether the tests seed the global generators, so that both sides must draw from the same ones.

    Attributes
    ----------
    end : Status or None
        How the process failed to answer: by a timeout or a crash.
    fault : str or None
        Why the cell that runs is no evidence against the student: what it asked for in vain, or how the
        engine failed.
    log : str
        The traceback of what the engine failed with.
    waited : float
        Seconds spent on answers, but for what the tests did meanwhile.
    followed : Followed or None
        The tests' variables that the student's code is to find changed.
    asked : set of str
        The attributes and operators for which stand-ins have been asked.
    """

    def __init__(
        self,
        sock: socket.socket,
        seconds: float,
        sizes: Sizes = Sizes(),  # noqa: B008 (it cannot be changed)
        *,
        shares_random: bool = False,
    ) -> None:
        self.channel = Channel(sock, sizes)
        self.seconds = seconds
        self.end: Status | None = None
        self.fault: str | None = None
        self.log = ""
        self.broken = ""  # after a failure of the engine both sides may not be alike any more
        self.waited = 0.0
        self.process: int | None = None
        self.patience: Patience | None = None
        self.by_clock = False  # whether it was late without having used the processor for so long
        self.students_errors: list[BaseException] = []
        self.followed: Followed | None = None
        self.asked: set[str] = set()
        self._waited = 0.0  # for a processor, at the last look
        self._sizes = sizes
        self._message = ""
        self._shares_random = shares_random
        self._random: dict[str, bytes] = {}  # the states that both sides have
        self._remotes: remote.Registry = remote.Registry()
        self._exceptions = exceptions.Exceptions()
        # Mutable values that both sides have, by their numbers at the other one; as of the last exchange.
        self._shared: list[Any] = []
        self._places: list[int] = []
        self._watch = Watch([])
        self._in_flight: list[Any] | None = None
        self._given: list[Any] = []
        self._raised: list[BaseException] = []
        self._depth = 0

    def close(self) -> None:
        self.channel.close()

    def unsupported(self, reason: str) -> NoReturn:
        """Refuse what the tests ask for; their cell is no evidence against the student then."""
        self.fault = self.fault or reason
        raise Unsupported(reason)

    def failed(self, error: BaseException) -> NoReturn:
        """Say that the engine itself has failed."""
        self.log += "".join(traceback.format_exception(error))
        self.broken = f"the grader failed: {type(error).__name__}: {error}"
        self.unsupported(self.broken)

    def broke(self) -> NoReturn:
        """Give the process up, because what it has sent makes no sense."""
        self.fail(Status.CRASH, "your code broke the process that it ran in")

    def fail(self, end: Status, message: str) -> NoReturn:
        """Give the process up."""
        self.end, self._message = end, message
        raise NoAnswer(message) from None

    def await_ready(self) -> None:
        """Wait until the process is about to run the student's code; up to then it is the grader's.

        Raises
        ------
        Fault
            If it does not get so far.
        """
        try:
            answer, _ = self.channel.receive(time.monotonic() + _START)
        except (Closed, Late, Garbled) as error:
            raise Fault(f"the student's process does not start: {error!r}") from None
        if answer != {"ready": True}:
            raise Fault(f"the student's process does not start: {answer}")

    def request(
        self,
        header: Message,
        buffers: Sequence[bytes] = (),
        seconds: float | None = None,
        descriptors: Sequence[int] = (),
    ) -> tuple[Message, list[memoryview]]:
        """Send a request, with descriptors if there are some, and return the answer.

        Raises
        ------
        NoAnswer
            If none comes, now or ever again.
        """
        if self.end:
            raise NoAnswer(self._message)
        seconds = self.seconds if seconds is None else seconds
        self.channel.extension = 0.0
        self.channel.more = functools.partial(self._more, seconds)
        started = time.monotonic()
        deadline = started + seconds
        try:
            self.channel.send(header, buffers, deadline)
            if descriptors:
                self.channel.send_descriptors(descriptors, deadline)
            while True:
                answer, received = self.channel.receive(deadline)
                if type(answer) is not dict:
                    raise Garbled("no answer")
                if answer.get("op") != "ask":
                    return answer, received
                asked = time.monotonic()
                self.waited += asked - started
                self._tell(answer, received)
                started = time.monotonic()
                deadline += started - asked  # this was the tests' time
        except TooLarge as error:
            self.unsupported(str(error))
        except Late:
            if self.patience and self.process:
                self.by_clock = self.patience.used(self.process) < seconds / 2
            self.fail(Status.TIMEOUT, f"your code did not answer within {seconds:g} s")
        except Closed:
            self.fail(Status.CRASH, "your code ended the process that it ran in")
        except (Garbled, Malformed):
            self.broke()
        except _Waiting:
            raise CellTimeout("the cell has run for too long") from None
        except CellTimeout:
            self.fail(Status.TIMEOUT, "the check did not end in time, your code was still running")
        finally:
            self.waited += time.monotonic() - started

    def _more(self, seconds: float) -> float:
        """Say by how much a deadline is put off, as the process had to wait for a processor."""
        if not self.patience or not self.process:
            return 0.0
        waited = self.patience.waited(self.process)
        more = min(waited - self._waited, MOST_WAITING * seconds - self.channel.extension)
        self._waited = max(self._waited, waited)
        return more

    def do(self, action: str, *args: Any, **kwargs: Any) -> Any:
        """Let the student's process do something with values, and return what comes of it.

        Values that both sides have, such as arguments and what attributes gave, stay alike: what the tests
        have changed in place is changed there first, and what the student's code changes is changed here.
        """
        if self.broken:
            self.unsupported(self.broken)
        try:
            value, error = self._do(action, args, kwargs)
        except (NoAnswer, CellTimeout, Unsupported):
            raise
        except BaseException as failure:
            self.failed(failure)
        if error is not None:
            raise error
        return value

    def names(self, wanted: list[str]) -> Variables:
        """Fetch variables of the student's; those that do not exist, or make no sense, are left out.

        A module that this process does not have is an `UnknownModule`.
        """
        answer, buffers = self.request({"op": "names", "names": wanted})
        values = {}
        decoder = Decoder(buffers, self._decode_reference, sizes=self._sizes)
        try:
            trees = answer.get("values")
            if type(trees) is not dict:
                raise Malformed("no variables")
            for name, tree in trees.items():
                if name in wanted:
                    values[name] = unknown_module(tree) or decoder.decode(tree)
        except Malformed:
            self.broke()
        self._share(decoder.mutable, range(len(decoder.mutable)))
        return values

    def _do(self, action: str, args: tuple[Any, ...], kwargs: Variables) -> tuple[Any, BaseException | None]:
        changed = set(self._watch.changed())
        # What the tests have let go of need not be kept alike. Two lists have it, and the call that counts.
        held = [k for k in range(len(self._shared)) if k in changed or sys.getrefcount(self._shared[k]) > 3]
        held = [k for k in held[:-_MOST_SHARED] if k in changed] + held[-_MOST_SHARED:]
        encoder = Encoder(self._refer, [self._shared[k] for k in held], self._sizes)
        try:
            header: Message = {
                "op": "do",
                "action": action,
                "keep": [self._places[k] for k in held],
                "changed": [
                    [n, encoder.content(self._shared[k])] for n, k in enumerate(held) if k in changed
                ],
                "args": [encoder.encode(value) for value in args],
                "kwargs": {name: encoder.encode(value) for name, value in kwargs.items()},
            }
        except CodecError as error:
            self.unsupported(str(error))
        header["names"], header["gone"] = self.followed.changes(encoder) if self.followed else ({}, [])
        if (errors := np.geterr()) != _USUAL_ERRORS:
            header["errors"] = errors
        header["random"] = self._send_random(encoder) if self._shares_random else {}
        header["shares random"] = self._shares_random
        self._in_flight = mutable = encoder.mutable
        answer, buffers = self.request(header, encoder.buffers)
        if "unread" in answer:
            self._read_oneself(header, encoder)
        began = time.monotonic()
        try:
            return self._take(answer, buffers, mutable, stops=action == "next")
        except Malformed:
            self.broke()
        finally:
            self.waited += time.monotonic() - began  # what the student's values took to be read

    def _take(
        self, answer: Message, buffers: list[memoryview], mutable: list[Any], *, stops: bool
    ) -> tuple[Any, BaseException | None]:
        """Read an answer: what the student's code wrote, changed and drew, and its value or exception."""
        self._show(answer.get("outputs"))
        decoder = Decoder(buffers, self._decode_reference, mutable, self._sizes)
        for pair in a_list(answer.get("changed", [])):
            if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not int:
                raise Malformed("no change")
            if not 0 <= pair[0] < len(mutable):
                raise Malformed("no argument")
            replace(mutable[pair[0]], decoder.decode(pair[1]))
        error = self._exception(answer, stops=stops) if "classes" in answer else None
        value = decoder.decode(answer.get("value")) if error is None else None
        if self._shares_random:
            self._follow_random(answer.get("random", {}), buffers)
        kept = a_list(answer.get("kept", []))
        if not all(type(number) is int and 0 <= number < len(decoder.mutable) for number in kept):
            raise Malformed("no argument")
        self._share(decoder.mutable, kept)
        return value, error

    def _read_oneself(self, header: Message, encoder: Encoder) -> NoReturn:
        """Find out whose fault it is that the student's process could not read what it was sent."""
        decoder = Decoder(encoder.buffers, lambda tag, parts: None, [None] * len(header["keep"]), self._sizes)
        try:
            for _, tree in header["changed"]:
                decoder.decode(tree)
            for tree in (*header["args"], *header["kwargs"].values(), *header["names"].values()):
                decoder.decode(tree)
        except Malformed as error:
            self.failed(error)
        self.broke()

    def _send_random(self, encoder: Encoder) -> dict[str, int]:
        """Attach the states of the global generators that the student's process does not have."""
        sent = {}
        for name, generator in GENERATORS.items():
            state = generator.state()
            if self._random.get(name) != state:
                self._random[name] = state
                encoder.buffers.append(state)
                sent[name] = len(encoder.buffers) - 1
        return sent

    def _follow_random(self, changed: Any, buffers: list[memoryview]) -> None:
        """Go on with the global generators as far as the student's code has drawn from them."""
        for name, change in changed.items() if type(changed) is dict else ():
            if name not in GENERATORS or type(change) is not list or len(change) != 2:
                raise Malformed("no generator")
            if type(change[0]) is not int or not 0 <= change[0] < len(buffers):
                raise Malformed("no state of a generator")
            followed = GENERATORS[name].follow(buffers[change[0]], change[1])
            self._random[name] = GENERATORS[name].state() if followed else b""

    def _share(self, mutable: list[Any], kept: Sequence[int]) -> None:
        """Remember what both sides have now: the kept of the numbered values."""
        self._in_flight = None
        self._places = [place for place in kept if mutable[place] is not None]
        self._shared = [mutable[place] for place in self._places]
        self._watch = Watch(self._shared)

    def _exception(self, answer: Message, *, stops: bool) -> BaseException:
        if type(place := answer.get("of the tests")) is int and 0 <= place < len(self._raised):
            return self._raised[place]
        error = self._exceptions.rebuild(answer, stops=stops)
        self.students_errors.append(error)
        return error

    def _show(self, outputs: Any) -> None:
        """Write what the student's code wrote, to where the test wants it."""
        for output in outputs if type(outputs) is list else []:
            if type(output) is not dict or output.get("output_type") != "stream":
                continue
            if type(output.get("text")) is not str:
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
        if tag == "object" and len(parts) == 3:
            place, flags, name = parts
            if type(place) is not int or type(flags) is not list or len(flags) > 10:
                raise Malformed("no object")
            known = self._remotes.get(place)
            if known is None:
                known = self._remotes[place] = remote.make(self, place, flags, name)
            return known
        if tag == "class of exceptions" and len(parts) == 1:
            return self._exceptions.kind(parts[0], stops=True)
        if tag == "module" and len(parts) == 1:
            return remote.module(parts[0])
        raise Malformed("unknown tag")

    def _tell(self, question: Message, buffers: list[memoryview]) -> None:
        """Answer a question that the student's code asks about what the tests gave it."""
        if self._depth >= _MOST_NESTED:
            raise Garbled("too many questions inside each other")
        if self._in_flight is not None:
            self._share(self._in_flight, range(len(self._in_flight)))
        self._show(question.get("outputs"))
        place, action, named = question.get("number"), question.get("action"), question.get("kwargs")
        if type(place) is not int or not 0 <= place < len(self._given) or type(named) is not dict:
            raise Garbled("no object of the tests")
        decoder = Decoder(buffers, self._decode_reference, sizes=self._sizes)
        args = [decoder.decode(tree) for tree in a_list(question.get("args"))]
        kwargs = {name: decoder.decode(tree) for name, tree in named.items()}
        encoder = Encoder(self._refer, sizes=self._sizes)
        self._depth += 1
        try:
            value = act(self._given[place], action, args, kwargs)
        except CellTimeout:
            raise _Waiting from None
        except NoAnswer:
            raise
        except BaseException as error:
            answer = self._refuse(error)
        else:
            try:
                answer = {"op": "told", "value": encoder.encode(value)}
            except CodecError as error:
                self.fault = self.fault or str(error)
                answer = self._refuse(error)
        finally:
            self._depth -= 1
        self.channel.send(answer, encoder.buffers, time.monotonic() + self.seconds)

    def _refuse(self, error: BaseException) -> Message:
        """Make the answer to a question that ended with an exception of the tests'."""
        self._raised.append(error)
        answer = {"op": "told", "error": type(error).__name__, "number": len(self._raised) - 1}
        return answer | {"message": str(error)[:1000]}


class _Waiting(BaseException):
    """The time was over while the tests' own code ran, which the student's had called."""
