"""The student's side: it runs inside the sandbox, executes cells and answers requests.

Once a student's code has run, nothing in this process can be trusted, and nothing that it sends is: this
module is written for honest students, the other side for the others.
"""

import builtins
import contextlib
import inspect
import operator
import os
import socket
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npfl_grader.engine.both.codec import Decoder, Encoder, Watch, replace
from npfl_grader.engine.both.protocol import MOST_MESSAGE, OPERATORS
from npfl_grader.engine.both.randomness import GENERATORS, note_seeds
from npfl_grader.engine.both.shell import Notebook, Stream
from npfl_grader.engine.both.sizes import Sizes
from npfl_grader.engine.both.wire import Channel, Closed, Message, TooLarge

# What may be asked of an object of the student's, besides calling it; each is a plain function.
_ACTIONS: dict[str, Callable[..., Any]] = {
    "get": getattr,
    "set": setattr,
    "delete": delattr,
    "get item": operator.getitem,
    "set item": operator.setitem,
    "delete item": operator.delitem,
    "length": len,
    "iterate": iter,
    "next": next,
    "text": str,
    "representation": repr,
    "format": format,
    "instance": lambda kind, value: isinstance(value, kind),
    "subclass": lambda kind, other: issubclass(other, kind),
    "signature": lambda value: _parameters(value),
    "enter": lambda value: value.__enter__(),
    "exit": lambda value: (value.__exit__(None, None, None), None)[1],
    **OPERATORS,
    **{f"r{name}": lambda value, other, f=function: f(other, value) for name, function in OPERATORS.items()},
}


def _parameters(value: Any) -> list[Any]:
    return [
        (p.name, int(p.kind), p.default is not p.empty, None if p.default is p.empty else p.default)
        for p in inspect.signature(value).parameters.values()
    ]


class _Stop(BaseException):
    """The tests' process has nothing more to ask."""


class _Unread(Exception):
    """What the tests' process has sent cannot be used here; it can try for itself whose fault that is."""


class Callback:
    """A function of the tests, or an iterator or object of theirs, as the student's code sees it."""

    def __init__(self, student: "Student", number: int, name: str) -> None:
        self._student, self._number = student, number
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._student.ask("call", self._number, args, kwargs)

    def __iter__(self) -> "Callback":
        return self

    def __next__(self) -> Any:
        return self._student.ask("next", self._number, (), {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._student.ask("get", self._number, (name,), {})


class Student:
    """All that this process does, over one connection at a time.

    Parameters
    ----------
    channel : Channel
        To the tests' process.
    progress : int
        A descriptor for a byte at the beginning of each statement, which says how far a cell came that ends
        this process.
    most_output : int
        Bytes that the cells together may put out.
    """

    def __init__(self, channel: Channel, progress: int, most_output: int) -> None:
        self.channel = channel
        self.progress = progress
        self.process = os.getpid()
        self.notebook = Notebook(most_output)
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.shared: list[Any] = []  # the mutable values that the tests' process has too
        self.sizes = channel.sizes
        note_seeds()

    def serve(self, until: str | None = None) -> Any:
        """Answer requests, for ever or until the answer to a question of this process's own comes."""
        while True:
            request, buffers = self.channel.receive()
            if request["op"] == until:
                return request, buffers
            if request["op"] == "fork":
                self._fork(request["count"])
                continue
            self._answer(request, buffers)

    def _fork(self, count: int) -> None:
        """Leave copies of this process on connections of their own: whoever uses one changes nothing here.

        All are made in a row, for after each fork the pages that this process touches are copied anew.
        """
        descriptors = self.channel.receive_descriptors(count)
        processes: list[int] = []
        error = None
        for own in descriptors:
            try:
                child = os.fork()
            except OSError as failure:
                error = str(failure)
                break
            if not child:
                for descriptor in descriptors:
                    if descriptor != own:
                        os.close(descriptor)
                self.channel.close()
                self.channel = Channel(socket.socket(fileno=own), self.sizes)
                self.process = os.getpid()
                return
            processes.append(child)
        for descriptor in descriptors:
            os.close(descriptor)
        self._send({"processes": processes, "error": error})

    def _send(self, answer: Message, buffers: Sequence[bytes] = ()) -> None:
        if os.getpid() != self.process:  # forked by the student's code, and come back here: it has no say
            os._exit(0)
        self.channel.send(answer, buffers)

    def _begin(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self.progress, b".")

    def _answer(self, request: Message, buffers: list[memoryview]) -> None:
        try:
            answer, encoder = getattr(self, f"_{request['op']}")(request, buffers)
        except (_Stop, Closed):
            raise
        except _Unread as error:
            answer, encoder = {"unread": str(error)}, Encoder()
        except BaseException as error:
            answer, encoder = self._exception(error), Encoder()
        answer["outputs"] = answer.get("outputs") or Stream.outputs.take()
        try:
            self._send(answer, encoder.buffers)
        except TooLarge as error:
            self._send(self._exception(error))

    def _cell(self, request: Message, buffers: list[memoryview]) -> tuple[Message, Encoder]:
        result, outputs = self.notebook.run(
            request["source"], request["seconds"], request["count"], request["most"], self._begin
        )
        return {"success": bool(result.success), "outputs": outputs}, Encoder()

    def _names(self, request: Message, buffers: list[memoryview]) -> tuple[Message, Encoder]:
        encoder = Encoder(self.refer, sizes=self.sizes)
        values = {}
        for name in request["names"]:
            if name in self.notebook.variables:
                values[name] = self._encode(encoder, self.notebook.variables[name])
        self.shared = encoder.mutable
        return {"values": values}, encoder

    def _do(self, request: Message, buffers: list[memoryview]) -> tuple[Message, Encoder]:
        try:
            decoder = Decoder(
                buffers, self._refer_back, [self.shared[place] for place in request["keep"]], self.sizes
            )
            self.shared = known = decoder.mutable
            for place, tree in request["changed"]:
                replace(known[place], decoder.decode(tree))
            args = [decoder.decode(tree) for tree in request["args"]]
            kwargs = {name: decoder.decode(tree) for name, tree in request["kwargs"].items()}
            self.notebook.variables |= {name: decoder.decode(tree) for name, tree in request["names"].items()}
            for name in request["gone"]:
                self.notebook.variables.pop(name, None)
            for name, index in request["random"].items():
                GENERATORS[name].set_state(bytes(buffers[index]))
            watch = Watch(known)
        except Exception as error:
            raise _Unread(f"{type(error).__name__}: {error}") from None
        shares = request["shares random"]
        before = {name: generator.state() for name, generator in GENERATORS.items()} if shares else {}
        action = request["action"]
        answer: Message = {}
        value = None
        try:
            if "errors" in request:
                with np.errstate(**request["errors"]):
                    value = (_ACTIONS.get(action) or args.pop(0))(*args, **kwargs)
            else:
                value = (_ACTIONS.get(action) or args.pop(0))(*args, **kwargs)
        except (_Stop, Closed):
            raise
        except BaseException as error:
            answer = self._exception(error)
        encoder = Encoder(self.refer, known, self.sizes)
        answer["changed"] = [[number, encoder.content(known[number])] for number in watch.changed()]
        if "classes" not in answer:
            answer["value"] = self._encode(encoder, value)
        if shares:
            answer["random"] = self._random(encoder, before)
        del args, kwargs, value, watch, decoder, known
        answer["kept"] = self._keep(encoder)
        return answer, encoder

    def _random(self, encoder: Encoder, before: dict[str, bytes]) -> Message:
        """Say which global generators have changed, and what they were seeded with if they were."""
        changed = {}
        for name, generator in GENERATORS.items():
            if (state := generator.state()) != before[name]:
                encoder.buffers.append(state)
                seeds = [int(seed) for seed in generator.seeded if isinstance(seed, int | np.integer)]
                changed[name] = [len(encoder.buffers) - 1, seeds]
            generator.seeded.clear()
        return changed

    def _keep(self, encoder: Encoder) -> list[int]:
        """Keep the mutable values that code here can still reach, and tell their numbers.

        What nobody has any more cannot be changed, nor be seen to have changed.
        """
        self.shared = shared = encoder.mutable
        encoder.mutable = []
        for _ in range(2):  # once more for what was inside of what has gone
            for number in range(len(shared)):
                # The list has it, and so does the question how many have it.
                if shared[number] is not None and sys.getrefcount(shared[number]) <= 2:
                    base = getattr(shared[number], "base", None)
                    # A view may have memory that others have too; it has its base itself, as this name has.
                    if base is None or sys.getrefcount(base) <= 3:
                        shared[number] = None
        return [number for number, value in enumerate(shared) if value is not None]

    def _encode(self, encoder: Encoder, value: Any) -> Any:
        """Make the tree of a value that may be anything; what cannot be sent stays here."""
        known = len(encoder.mutable)
        try:
            return encoder.encode(value)
        except Exception:  # an object can make anything fail that looks at it
            encoder.forget(known)
            return self.refer(value)

    def refer(self, value: Any) -> Any:
        """Make the tree of a value that stays here."""
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["class of exceptions", self._classes(value)]
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        kind = type(value)
        flags = [
            flag
            for flag, special in (
                ("call", "__call__"),
                ("iterate", "__iter__"),
                ("next", "__next__"),
                ("length", "__len__"),
                ("item", "__getitem__"),
                ("enter", "__enter__"),
            )
            if hasattr(kind, special)
        ]
        flags += ["class"] * isinstance(value, type)
        return ["object", self._number(value), flags, kind.__name__]

    def _number(self, value: Any) -> int:
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return self.numbers[id(value)]

    def _refer_back(self, tag: str, parts: list[Any]) -> Any:
        if tag == "object":
            return self.objects[parts[0]]
        return Callback(self, *parts)

    def _classes(self, kind: type) -> list[Any]:
        """Name an exception's classes: the student's own with their numbers, then Python's."""
        return [
            base.__name__ if base.__module__ == "builtins" else [self._number(base), base.__name__]
            for base in kind.__mro__[:-1]
        ][:20]

    def _exception(self, error: BaseException) -> Message:
        try:
            message = str(error)[:MOST_MESSAGE]
        except BaseException:
            message = ""
        frames = [
            f
            for f in traceback.extract_tb(error.__traceback__)
            if f.filename.startswith(("<ipython", "/tmp/ipy"))
        ]
        answer: Message = {"classes": self._classes(type(error)), "message": message}
        answer["lines"] = [[f.lineno, f.name, f.line or ""] for f in frames[-3:]]
        answer["outputs"] = Stream.outputs.take()
        simple = (str, int, float, bool, type(None))
        if all(type(part) in simple for part in error.args) and len(str(error.args)) < MOST_MESSAGE:
            answer["args"] = [Encoder().encode(part) for part in error.args]
        attributes = {k: v for k, v in vars(error).items() if type(v) in simple and not k.startswith("_")}
        if len(str(attributes)) < MOST_MESSAGE:
            answer["attributes"] = {k: Encoder().encode(v) for k, v in attributes.items()}
        if isinstance(number := getattr(error, "_of_the_tests", None), int):
            answer["of the tests"] = number
        return answer

    def ask(self, action: str, number: int, args: tuple[Any, ...], kwargs: Message) -> Any:
        """Ask the tests' process for something, in the middle of a request of its own."""
        encoder = Encoder(self.refer, sizes=self.sizes)
        trees = [self._encode(encoder, value) for value in args]
        named = {name: self._encode(encoder, value) for name, value in kwargs.items()}
        question = {"op": "ask", "action": action, "number": number, "args": trees, "kwargs": named}
        self._send(question | {"outputs": Stream.outputs.take()}, encoder.buffers)
        answer, buffers = self.serve(until="told")
        if "error" in answer:
            error = _exception_of(answer["error"], answer["message"])
            error._of_the_tests = answer["number"]  # type: ignore[attr-defined]
            raise error
        return Decoder(buffers, self._refer_back, sizes=self.sizes).decode(answer["value"])

    def _bye(self, request: Message, buffers: list[memoryview]) -> Any:
        raise _Stop


def _exception_of(name: str, message: str) -> BaseException:
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        kind = type(name, (Exception,), {})
    error: BaseException = kind(message)
    return error


def main(sock: socket.socket, progress: int, memory: int, most_output: int) -> None:
    """Serve a connection until it ends; the process is to exit then.

    Parameters
    ----------
    sock : socket
    progress : int
        As for `Student`.
    memory, most_output : int
        The limits in bytes.
    """
    with contextlib.suppress(_Stop, Closed):
        student = Student(Channel(sock, Sizes.within(memory, most_output)), progress, most_output)
        student.channel.send({"ready": True})
        student.serve()
