"""What a page shows only when asked: frames of figures and sounds, in files that come after the first view.

A figure's first picture, its sentence and its controls stand in the page. What differs in the other frames is
up to two thirds of a page's bytes, and the text would have to wait for them.
"""

import base64
import hashlib
import json
import re
from pathlib import Path

from sphinx.application import Sphinx

FRAMES, SOUNDS = "frames", "sounds"  # folders in _static
# The data of one figure, as npfl.explore.page writes them.
DATA = re.compile(
    r'(<div class="npfl-explore" id="([^"]+)">(?:(?!<script\b).)*)'
    r'<script type="application/json">(.*?)</script>',
    re.S,
)
SCRIPT = "npflFrames = {{{}}};\n"
SOUND = re.compile(r'(<audio [^>]*)src="data:audio/(\w+);base64,([^"]+)"')


def take_out(body: str) -> tuple[str, dict[str, str]]:
    r"""Take the frames out of a page.

    Returns
    -------
    body : str
        The page without them.
    frames : dict
        The data of each figure as JSON, by the figure's name.

    Examples
    --------
    >>> figure = '<div class="npfl-explore" id="a"><b></b>{}<npfl-start></npfl-start></div>'
    >>> body, frames = take_out(figure.format('<script type="application/json">[1]</script>'))
    >>> body == figure.format(""), frames
    (True, {'a': '[1]'})
    """
    frames = {match[2]: match[3] for match in DATA.finditer(body)}
    return DATA.sub(r"\1", body), frames


def frames(static: Path, page: str) -> dict[str, dict]:
    """Read the data of a page's figures from the file that `put_apart` has written, by the figures' names."""
    path = static / FRAMES / f"{page}.js"
    return json.loads(path.read_text("utf-8").partition("=")[2].rpartition(";")[0]) if path.exists() else {}


def write(static: Path, name: str, content: bytes) -> str:
    """Write a file, and return its digest."""
    path = static / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()[:8]


def put_apart(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Write the page's frames into a script, which the page loads later, and its sounds into files."""
    if app.builder.format != "html" or "body" not in context:
        return
    static = Path(app.outdir, "_static")
    body, frames = take_out(context["body"])

    def apart(match: re.Match) -> str:
        name = f"{SOUNDS}/{hashlib.sha256(match[3].encode()).hexdigest()[:8]}.{match[2]}"
        write(static, name, base64.b64decode(match[3]))
        return f'{match[1]}preload="none" src="{context["pathto"](f"_static/{name}", 1)}"'

    context["body"] = SOUND.sub(apart, body)
    if frames:
        script = SCRIPT.format(",".join(f'"{name}":{data}' for name, data in frames.items()))
        # A page and frames of two builds do not fit together.
        context["frames"] = f"_static/{FRAMES}/{page}.js?v=" + write(
            static, f"{FRAMES}/{page}.js", script.encode()
        )


def setup(app: Sphinx) -> dict:
    """Connect the step; called by Sphinx."""
    app.connect("html-page-context", put_apart)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
