"""Pages that have moved lead on to their new places: ``redirects`` in ``_config.yml``."""

from pathlib import Path
from string import Template

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


def lead_on(app: Sphinx, exception: Exception | None) -> None:
    """Write a page in the place of each that has moved, which leads to the new one."""
    if exception or app.builder.name != "html":
        return
    template = (Path(__file__).parent / "templates" / "moved.html").read_text(encoding="utf-8")
    for name, target in app.config.redirects.items():
        path = Path(app.outdir, f"{name}.html")
        if not (path.parent / target).is_file():
            raise ExtensionError(f"_config.yml, redirects: {name} leads to {target}, which is no page")
        path.parent.mkdir(parents=True, exist_ok=True)
        words = {"language": app.config.language, "target": target, "top": "../" * name.count("/")}
        path.write_text(Template(template).substitute(words), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Connect the step; called by Sphinx."""
    app.add_config_value("redirects", {}, "html", dict)
    app.connect("build-finished", lead_on)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
