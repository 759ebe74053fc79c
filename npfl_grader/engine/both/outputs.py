"""Outputs of cells, in nbformat's shape."""

from typing import Any

from npfl_grader.engine.both.codec.kinds import Malformed
from npfl_grader.engine.job import Output


def error_output(name: str, message: str, traceback: list[str] | None = None) -> Output:
    """Make the output of an exception."""
    traceback = [f"{name}: {message}"] if traceback is None else traceback
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": traceback}


def clean(outputs: Any) -> list[Output]:
    """Rebuild outputs that a student's process has sent, so that they are nothing but valid outputs.

    Raises
    ------
    Malformed
        If they are not even nearly that.
    """
    kept: list[Output] = []
    for output in _list(outputs):
        parts = _dict(output)
        kind = parts.get("output_type")
        if kind == "stream":
            name = "stderr" if parts.get("name") == "stderr" else "stdout"
            kept.append({"output_type": kind, "name": name, "text": _text(parts.get("text"))})
        elif kind == "error":
            trace = [_text(line) for line in _list(parts.get("traceback"))]
            kept.append(error_output(_text(parts.get("ename")), _text(parts.get("evalue")), trace))
        elif kind in ("display_data", "execute_result"):
            data = {_text(key): _data(value) for key, value in _dict(parts.get("data")).items()}
            shown = {"output_type": kind, "data": data, "metadata": {}}
            kept.append(shown | {"execution_count": None} if kind == "execute_result" else shown)
    return kept


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise Malformed("no list")
    return value


def _dict(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise Malformed("no object")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Malformed("no text")
    # What JSON could say and UTF-8 cannot.
    return value.encode("utf-8", "replace").decode()


def _data(value: Any) -> Any:
    """Keep what a MIME type's data may be: text, or an object for the types that end in +json."""
    return value if type(value) is dict else _text(value) if type(value) is str else str(value)
