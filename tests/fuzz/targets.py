# ruff: noqa: E501 (examples stand as in a table)
"""What is done with bytes that others choose: read, rebuilt, unpacked, shown. Only what each is meant to raise may come.

Whatever comes out is harmless: see the assertions. `run` looks for bytes that break one of these guided by the
code that they reach, `test_targets` among those that Hypothesis finds likely.
"""

import contextlib
import json
import socket
import tempfile
import traceback
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

from npfl_grader import safe_html
from npfl_grader.course.definition import Cell, Definition
from npfl_grader.engine.both import codec, wire
from npfl_grader.engine.tests_side.exceptions import Exceptions
from npfl_grader.errors import CourseError
from npfl_grader.grading import intake
from npfl_grader.lms import archives, roster
from npfl_grader.text import harmless

FLAGS = {"task": False, "checksum": None}
TEST = {"locked": True, "grade": True, "solution": False, "points": 1.0}
ANSWER = {"locked": False, "grade": False, "solution": True, "points": None}
DEFINITION = Definition(
    "double",
    None,
    (
        Cell("answer", "code", "# stub", **ANSWER, **FLAGS),
        Cell("seen", "code", "assert double(1) == 2", **TEST, **FLAGS),
    ),
)


def message(data: bytes) -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        with contextlib.suppress(wire.Garbled, EOFError):
            header, buffers = wire.Channel(here).receive()
            with contextlib.suppress(codec.Malformed):
                codec.Decoder(buffers).decode(header)


def notebook(data: bytes) -> None:
    with contextlib.suppress(intake.IntakeError):
        rebuilt = intake.rebuild(DEFINITION, intake.read(data))
        kept = [rebuilt.names[cell["id"]] for cell in rebuilt.cells if cell["id"] in rebuilt.names]
        assert kept == ["answer", "seen"], kept
        assert all(
            cell["source"] == "assert double(1) == 2"
            for cell in rebuilt.cells
            if rebuilt.names.get(cell["id"]) == "seen"
        )


def archive(data: bytes) -> None:
    for name in ("a.zip", "a.tar", "a.tgz"):
        bounds = archives.Bounds(left=10_000_000, members=200)
        for path, content, _ in archives.unpack(PurePosixPath(name), data, None, bounds):
            assert not path.is_absolute(), path
            assert ".." not in path.parts, path
            assert harmless(str(path)), path
            assert isinstance(content, bytes) or harmless(content), content


def lists(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "roster.csv")
        path.write_bytes(data)
        with contextlib.suppress(CourseError):
            found = roster.read(path)
            for person in found.students:
                assert "/" not in person.id, person
                assert harmless(person.id), person
            assert all(harmless(note) for note in found.notes), found.notes


def exception(data: bytes) -> None:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(answer, dict) or "classes" not in answer:
        return
    with contextlib.suppress(codec.Malformed):
        error = Exceptions().rebuild(answer, stops=True)
        assert not isinstance(error, SyntaxError | KeyboardInterrupt | GeneratorExit | BaseExceptionGroup)
        traceback.format_exception(error)
        assert "\x1b" not in str(error)


class _Active(HTMLParser):
    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in safe_html.TAGS, tag
        for name, value in attributes:
            assert not name.startswith("on"), name
            if name in ("href", "src"):
                start = "".join((value or "").split()).casefold()
                assert start.startswith(("http:", "https:", "mailto:", "#", "data:image/")), value


def rendering(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    _Active().feed(safe_html.markdown2html({"cell": {}}, text))


TARGETS = {
    "message": message,
    "notebook": notebook,
    "archive": archive,
    "lists": lists,
    "exception": exception,
    "rendering": rendering,
}
