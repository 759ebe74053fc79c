"""Inputs to begin with: it would take long to find these by chance."""

import io
import json
import struct
import tarfile
import zipfile


def _message(value: object) -> bytes:
    text = json.dumps([value, [16]]).encode()
    return struct.pack(">QI", len(text) + 16, len(text)) + text + bytes(16)


def _zip(*names: str, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", kind) as archive:
        for name in names:
            archive.writestr(name, "x" * 100)
    return data.getvalue()


def _tar(mode: str, *names: str, time: float = 0, **headers: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode, format=tarfile.PAX_FORMAT, pax_headers=headers) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = 3, time
            archive.addfile(info, io.BytesIO(b"abc"))
    return data.getvalue()


_NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "source": ["x\n"],
            "metadata": {"nbgrader": {"grade_id": "answer"}},
        },
        {
            "cell_type": "markdown",
            "source": "y",
            "metadata": {},
            "attachments": {"a.png": {"image/png": ""}},
        },
    ],
}
_ERROR = {
    "classes": [[0, "E"], "SyntaxError", "Exception"],
    "message": "m",
    "args": ["m", 1],
    "attributes": {"filename": "/etc/passwd", "lineno": 1},
    "lines": [[1, "f", "raise E"]],
}
EXAMPLES: dict[str, list[bytes]] = {
    "message": [
        _message(value)
        for value in (
            ["a", "<f8", [2], "C", True, 0],
            ["d", ["x", ["l", 1, 2.5]]],
            ["object", 0, ["call"], "f"],
        )
    ],
    "notebook": [
        json.dumps(_NOTEBOOK).encode(),
        b'{"nbformat": "\\ud800", "cells": []}',
        b'{"nbformat": "[/b]", "cells": []}',
    ],
    "archive": [
        _zip("a").replace(b"a", b"\x00"),  # a name of nothing
        _zip("a", "a/b", "../c", "[/b].7z"),
        _zip("p1.ipynb", "x" * 5000, "d/" * 1500 + "f", kind=zipfile.ZIP_LZMA),
        _tar("w", "a", "a/b", "/etc/passwd", time=-1),
        _tar("w:gz", "p1.ipynb", time=1e300, comment="x" * 100_000),
    ],
    "lists": [
        b"id,first_name,last_name,email\n1,A,B,a@b\n=1+1,\x1b[2J,[/b],\xff\n",
        b"Identifier,Full name,ID number,Email address,Status,Grade\nParticipant 1,A B,1,a@b,,\n",
    ],
    "exception": [
        json.dumps(_ERROR).encode(),
        json.dumps(_ERROR | {"classes": ["OSError"], "args": [2, "m", "f"]}).encode(),
    ],
    "rendering": [
        b"![x](attachment\\:foo.png) ![x][1]\n\n[1]: attachment&colon;foo.png",
        b"<b title=i>" * 50 + b"<p>x" * 50,
        b"$\\href{javascript:alert(1)}{x}$ [a](javascript:x) <svg/onload=x> <img src=x onerror=y>",
        b"[a](java&#115;cript:x) <a href='\x01javascript:x'>b</a> ![p](data:text/html,x)",
    ],
}
