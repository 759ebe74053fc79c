"""The chapters' code: executed side by side, and anew when the code that it imports has changed."""

import hashlib
import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import JupyterCacheAbstract
from jupyter_cache.executors import load_executor
from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import npfl
from npfl_book import BUILD, ROOT

logger = logging.getLogger(__name__)
logger.setLevel("CRITICAL")  # what fails is executed again by MyST-NB, which reports it
# Asked to end, a kernel without history often waits for a thread of its own until it is killed after 4 s; and
# the executor of jupyter-cache hands no setting on.
NotebookClient.shutdown_kernel.default_value = "immediate"
BOOK = Path(__file__).parents[1]
TEMPLATES = BOOK / "site" / "templates"
PACKAGE = Path(npfl.__file__).parent
STORED = ROOT / "chapters" / "_data"  # the results of trainings that take too long for a build


def digest(folder: Path, kinds: set[str]) -> str:
    """Return a digest of the files of these kinds in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in kinds and "node_modules" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def follow_code(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Read all pages anew when the extensions have changed, and execute them when npfl or a result has.

    Sphinx looks at the pages' own text only, and the cache of outputs at their code cells only. A changed
    script or style needs no page but one, to be packed again.
    """
    stamp = BUILD / ".jupyter_cache" / "npfl.sha256"
    package = digest(PACKAGE, {".py", ".js", ".css"}) + digest(STORED, {".py", ".json"})
    extensions = digest(BOOK, {".py"}) + digest(TEMPLATES, {".html", ".js"})
    assets = digest(BOOK, {".js", ".mjs", ".css"})
    if not stamp.exists() or stamp.read_text() != package:
        shutil.rmtree(stamp.parent, ignore_errors=True)
        stamp.parent.mkdir(parents=True)
        stamp.write_text(package)
    before = getattr(env, "npfl_code", (None, None, None))
    env.npfl_code = (package, extensions, assets)  # type: ignore[attr-defined]
    if before[:2] == (package, extensions):
        return [] if before[2] == assets else [app.config.root_doc]
    # The listings of modules are written anew only where the modules have changed.
    shutil.rmtree(Path(app.outdir, "_modules"), ignore_errors=True)
    return sorted(env.found_docs)


def execute(cache: JupyterCacheAbstract, timeout: int, key: int) -> None:
    """Execute one chapter and keep its outputs."""
    load_executor("local-serial", cache, logger).run_and_cache(filter_pks=[key], timeout=timeout)


def execute_ahead(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Execute the chapters that the cache does not know side by side.

    Sphinx reads one page after the other; it then finds the outputs in the cache. A chapter that fails is
    executed again there, and reported.
    """
    settings = env.mystnb_config  # type: ignore[attr-defined]
    cache = get_cache(settings.execution_cache_path)
    for record in cache.list_project_records():
        if not Path(record.uri).is_file():  # moved or removed since; the cache would stop at it
            cache.remove_nb_from_project(record.pk)
    keys = []
    for path in map(Path, map(env.doc2path, pages)):
        if path.suffix == ".md" and "{code-cell}" in path.read_text(encoding="utf-8"):
            record = cache.add_nb_to_project(str(path), read_data={"name": "myst_nb_md", "type": "plugin"})
            keys.append(record.pk)
    if not keys:
        return
    todo = [record.pk for record in cache.list_unexecuted(filter_pks=keys)]
    # The executor for several hands each of its processes some chapters beforehand; the last is then waited
    # for alone. Threads are enough: each waits for a kernel, which is a process of its own.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(execute, cache, settings.execution_timeout), todo))


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    app.connect("env-get-outdated", follow_code)
    app.connect("env-before-read-docs", execute_ahead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
