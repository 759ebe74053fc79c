"""Bring the pictures that lie beside a notebook into its text, where who grades by hand sees them."""

import base64
import re
from collections.abc import Collection
from pathlib import PurePosixPath
from urllib.parse import unquote

from npfl_grader.grading.intake import PICTURES, Node

# No part goes on beyond what begins another picture, so that the search takes no longer than the text.
LINK = re.compile(
    r"(?P<before>!\[[^\[\]\n]*\]\(\s*<?)(?P<path>[^)\s>]+)"
    r"|(?P<tag><img\b[^<>]*?\bsrc\s*=\s*[\"'])(?P<source>[^\"'<>]+)"
)
BYTES = 5_000_000  # of one picture


def attach(cells: list[Node], files: dict[str, bytes], beside: Collection[str] = ()) -> list[str]:
    """Attach the pictures to which the text of cells leads; say which are not there, or cannot be shown.

    Parameters
    ----------
    cells : list of dict
        In the notebook format; they are changed.
    files : dict
        What was handed in beside the notebook, by relative path.
    beside : collection of str
        The instructor's files, by relative path, which lie beside every notebook anyway.
    """
    missing: list[str] = []
    for cell in cells:
        if cell["cell_type"] != "markdown" or cell["metadata"].get("editable") is False:
            continue  # what the instructor wrote leads where it leads

        def put(match: re.Match[str], cell: Node = cell) -> str:
            before, path = match["before"] or match["tag"], match["path"] or match["source"]
            if re.match(r"[a-z][\w+.-]*:", path, re.IGNORECASE):
                return match[0]
            name = str(PurePosixPath(unquote(path)))
            if name in beside:
                return match[0]
            data = files.get(name)
            kind = next((kind for kind, start in PICTURES.items() if data and data.startswith(start)), None)
            if data is None or kind is None or len(data) > BYTES:
                missing.append(name)
                return match[0]
            attached = re.sub(r"[^\w.-]", "_", name)
            cell.setdefault("attachments", {})[attached] = {kind: base64.b64encode(data).decode()}
            return f"{before}attachment:{attached}"

        cell["source"] = LINK.sub(put, cell["source"])
    if not missing:
        return []
    return [f"pictures that the text shows were not handed in, or cannot be shown: {', '.join(missing[:10])}"]
