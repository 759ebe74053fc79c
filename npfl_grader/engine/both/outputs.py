"""Outputs of cells, in nbformat's shape."""

from typing import Any


def error_output(name: str, message: str, traceback: list[str] | None = None) -> dict[str, Any]:
    """Make the output of an exception."""
    traceback = [f"{name}: {message}"] if traceback is None else traceback
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": traceback}


def clean(outputs: Any) -> list[dict[str, Any]]:
    """Rebuild outputs that a student's process has sent, so that they are nothing but valid outputs.

    Raises
    ------
    TypeError, ValueError, LookupError, AttributeError
        If they are not even nearly that.
    """
    kept: list[dict[str, Any]] = []
    if type(outputs) is not list:
        raise TypeError("no outputs")
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            name = "stderr" if output["name"] == "stderr" else "stdout"
            kept.append({"output_type": kind, "name": name, "text": _text(output["text"])})
        elif kind == "error":
            trace = [_text(line) for line in output["traceback"]]
            kept.append(error_output(_text(output["ename"]), _text(output["evalue"]), trace))
        elif kind in ("display_data", "execute_result"):
            data = {_text(key): _data(value) for key, value in output["data"].items()}
            shown = {"output_type": kind, "data": data, "metadata": {}}
            kept.append(shown | {"execution_count": None} if kind == "execute_result" else shown)
    return kept


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("no text")
    # What JSON could say and UTF-8 cannot.
    return value.encode("utf-8", "replace").decode()


def _data(value: Any) -> Any:
    """Keep what a MIME type's data may be: text, or an object for the types that end in +json."""
    return value if type(value) is dict else _text(value) if type(value) is str else str(value)
