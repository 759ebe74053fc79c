# ruff: noqa: E501 (examples stand as in a table)
"""Throw bytes at what reads submissions, guided by which code they reach: ``make fuzz``.

    python tests/fuzz/run.py {message,notebook} CORPUS [-max_total_time=60 ...]

``message`` takes the bytes for a message of the student's process and decodes its values, ``notebook`` for a
file that was handed in, which it rebuilds. Only the errors that each is meant to raise may come. CORPUS holds
inputs of earlier runs, and gets new ones; what crashes is written beside it. Options are libFuzzer's.
"""

import contextlib
import json
import socket
import struct
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["npfl_grader"]):
    from npfl_grader.course.definition import Cell, Definition
    from npfl_grader.engine.both import codec, wire
    from npfl_grader.grading import intake

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
# It would take libFuzzer long to find these by itself.
EXAMPLES = {
    "message": [["a", "<f8", [2], "C", True, 0], ["d", ["x", ["l", 1, 2.5]]], ["object", 0, ["call"], "f"]],
    "notebook": [
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {"cell_type": "code", "id": "a", "source": ["x\n"], "metadata": {"nbgrader": {"grade_id": "answer"}}},
                {"cell_type": "markdown", "source": "y", "metadata": {}, "attachments": {"a.png": {"image/png": ""}}},
            ],
        }
    ],
}  # fmt: skip


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


def main() -> None:
    """Write the examples into the corpus and let libFuzzer go on from there."""
    if len(sys.argv) < 3 or sys.argv[1] not in EXAMPLES:
        raise SystemExit(__doc__)
    target, corpus = sys.argv[1], Path(sys.argv[2])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(EXAMPLES[target]):
        data = json.dumps(example if target == "notebook" else [example, [16]]).encode()
        if target == "message":
            data = struct.pack(">QI", len(data) + 16, len(data)) + data + bytes(16)
        (corpus / f"example{number}").write_bytes(data)
    options = [f"-artifact_prefix={corpus.parent}/{target}-", "-max_len=65536", "-timeout=10", *sys.argv[3:]]
    atheris.Setup([sys.argv[0], *options, str(corpus)], {"message": message, "notebook": notebook}[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
