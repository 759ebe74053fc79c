"""Links to a page's source, to the form for errors and to services that run an exercise.

They stand on the pages where ``repository: url`` is set in ``_config.yml``.
"""

from urllib.parse import urlencode

from sphinx.application import Sphinx


def lead_to_source(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Let a page lead to its source, to the form for errors, and an exercise to services that run it."""
    repository = str(app.config.html_theme_options.get("repository_url", "")).rstrip("/")
    if not repository or doctree is None:
        return
    branch = app.config.html_theme_options.get("repository_branch") or "main"
    source = f"{page}.md"
    query = urlencode({"title": f"Error on the page {page}", "body": "Where on the page, and what is wrong?"})
    links = []
    if page.startswith("exercises/"):
        name = page.partition("/")[2]
        source = f"chapters/{source}"
        path = repository.partition("//")[2].partition("/")[2]
        links = [
            ("Open in Colab", f"https://colab.research.google.com/github/{path}/blob/notebooks/{name}.ipynb"),
            ("Open in Binder", f"https://mybinder.org/v2/gh/{path}/notebooks?labpath={name}.ipynb"),
        ]
    links += [
        ("Edit this page", f"{repository}/edit/{branch}/{source}"),
        ("Report an error", f"{repository}/issues/new?{query}"),
    ]
    context["source_links"] = links


def setup(app: Sphinx) -> dict:
    """Connect the step; called by Sphinx."""
    app.connect("html-page-context", lead_to_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
