"""A standard nbgrader course directory with the book's exercises as assignments."""

import os
import sys
from pathlib import Path

from npfl_grader import exercises
from npfl_grader.files import write, write_notebook

CONFIG = """\
# The course's settings for nbgrader; yours to change, this file is never written again.
c = get_config()

c.CourseDirectory.course_id = "npfl"
# A loop without end is stopped after so many seconds for each cell.
c.ExecutePreprocessor.timeout = 30
# What is shown of hidden tests: "message", which check failed and what it says; "name", only which; "all".
c.NpflGrader.hidden_tests = "message"

# nbgrader's own autograde, and the button in the formgrader, run submissions isolated too.
c.Autograde.sanitize_preprocessors = ["npfl_grader.dropin.Rebuild"]
c.Autograde.autograde_preprocessors = ["npfl_grader.dropin.Isolated"]
# Scripts in a submission do not reach the browser of who reads it, in the formgrader or as feedback.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"markdown2html": "npfl_grader.safe_html.markdown2html"}
"""


def create(folder: Path, paths: list[Path]) -> list[str]:
    """Create the course, or bring its assignments up to date.

    Each exercise becomes an assignment of its own name. What the instructor has changed elsewhere in the
    folder, submissions and grades among it, is left alone.

    Parameters
    ----------
    folder : Path
        The course directory.
    paths : list of Path
        The exercises.

    Returns
    -------
    list of str
        For each assignment, what was done.

    Raises
    ------
    ExerciseError
        If an exercise cannot be used; nothing has been written then.
    RuntimeError
        If nbgrader could not make the release of an assignment.
    """
    sources = {path.stem: exercises.read(path) for path in paths}
    config = folder / "nbgrader_config.py"
    if not config.exists():
        write(config, CONFIG)
    done = []
    for name, source in sources.items():
        known = (folder / "source" / name / f"{name}.ipynb").exists()
        changed = write_notebook(folder / "source" / name / f"{name}.ipynb", source)
        if changed or not (folder / "release" / name / f"{name}.ipynb").exists():
            _generate(folder, name)
        done.append(f"{name}: {'updated' if known and changed else 'created' if changed else 'unchanged'}")
    return done


def _generate(folder: Path, name: str) -> None:
    """Let nbgrader make the release and record the assignment in its gradebook."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config
    from traitlets.config.loader import PyFileConfigLoader

    # nbgrader calls alembic by its bare name.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    config = Config(PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config())
    config.CourseDirectory.root = str(folder.resolve())
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    result = api.generate_assignment(name, force=True, create=True)
    if not result["success"]:
        raise RuntimeError(
            f"nbgrader could not release {name}: {result.get('error', '').strip() or result['log']}"
        )
