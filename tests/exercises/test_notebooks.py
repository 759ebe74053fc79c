"""The release notebooks as students use them: in Jupyter with Validate, and as a script."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbgrader.utils import is_solution
from nbgrader.validator import Validator

from npfl_grader.authoring import exercises, trial

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))
SOLUTIONS = Path(__file__).parent / "solutions"


def solved(path):
    """Put the first right solution into the release notebook, as a student does."""
    notebook = exercises.release(exercises.read(path))
    solution = next(s for s in trial.solutions(SOLUTIONS / f"{path.stem}.py") if not s.loses)
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_solution(cell):
            cell.source = solution.source
    return notebook


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_validate_accepts_a_right_solution(path, tmp_path):
    nbformat.write(solved(path), tmp_path / "solved.ipynb")
    found = Validator().validate(str(tmp_path / "solved.ipynb"))
    # An answer in words that is still open is all that may be left.
    written = [c.source for c in solved(path).cells if c.cell_type == "markdown" and is_solution(c)]
    left = [cell for cell in found.get("failed", []) if cell["source"].strip() not in map(str.strip, written)]
    assert set(found) <= {"failed"}, found
    # Checks without their hidden tests pass by themselves: what that is worth is said, as a failure.
    visible = [c for c in solved(path).cells if c.id in trial.visible_checks(path)]
    told = f"{visible[0].metadata.nbgrader.points} of {exercises.total_points(solved(path)):g} points so far"
    assert ["tell_validate" in cell["source"] and told in cell["raw_error"] for cell in left] == [True], left


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_validate_names_the_failing_check_of_the_stub(path, tmp_path):
    nbformat.write(exercises.release(exercises.read(path)), tmp_path / "stub.ipynb")
    failed = Validator().validate(str(tmp_path / "stub.ipynb"))["failed"]
    assert any("NotImplementedError" in cell["error"] for cell in failed)
    assert "0 of " in failed[-1]["raw_error"]


def test_functions_come_out_of_earlier_notebooks(tmp_path, monkeypatch):
    folder = ROOT / "chapters" / "exercises"
    for name in ("gradient_check", "dropout"):
        nbformat.write(solved(folder / f"{name}.md"), tmp_path / f"{name}.ipynb")
    own = nbformat.read(tmp_path / "dropout.ipynb", 4)
    answer = next(cell for cell in own.cells if cell.cell_type == "code" and is_solution(cell))
    answer.source = (
        "from math import ceil as up\n\n\n@staticmethod\ndef helper(x):\n    return up(x)\n\n\n"
        "def dropout(inputs, rate, training, rng):\n    return helper(rate) * inputs\n\n\n"
        "def other():\n    pass"
    )
    nbformat.write(own, tmp_path / "dropout.ipynb")
    nbformat.write(exercises.release(exercises.read(folder / "adamw.md")), tmp_path / "adamw.ipynb")
    (tmp_path / "mse_loss.ipynb").write_text("no notebook")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec((folder / "pieces.py").read_text(), names)
    wanted = {"numerical_gradient": "gradient_check", "dropout": "dropout", "AdamW": "adamw"}
    wanted |= {"mse_loss": "mse_loss", "l1_update": "l1_update"}
    packed = "QWRhbVcgPSAncmVmZXJlbmNlJw=="  # AdamW = 'reference'
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        found = names["pieces"].bring(wanted, packed)
    assert said.getvalue().splitlines() == [
        "numerical_gradient: yours, from gradient_check.ipynb",
        "dropout: yours, from dropout.ipynb",
        "AdamW: the REFERENCE, as AdamW in adamw.ipynb is not written yet",
        "mse_loss: not there, as mse_loss.ipynb cannot be read as a notebook",
        "l1_update: not there, as l1_update.ipynb does not lie beside this notebook",
    ]
    assert (names["dropout"](2.0, 0.5, True, None), names["AdamW"]) == (2.0, "reference")
    assert found["dropout"] == answer.source.split("\n\n\ndef other")[0]
    assert set(found) == {"numerical_gradient", "dropout"}
    # They are offered as a cell, once: the notebook holds it from then on.
    shell = (
        InteractiveShell()
    )  # its own set_next_input reaches no notebook; that of a kernel sends such a payload
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    own = exercises.release(exercises.read(folder / "your_network.md"))
    nbformat.write(own, tmp_path / "own.ipynb")
    names["pieces"].offer(found, "own")
    again: dict = {"np": names["np"], "OWN": {}}
    (offered,) = shell.payload_manager.read_payload()
    assert (offered["source"], offered["replace"]) == ("set_next_input", False)
    exec(offered["text"], again)
    assert (again["dropout"](2.0, 0.5, True, None), set(again["OWN"])) == (2.0, set(found))
    own.cells.append(nbformat.v4.new_code_cell(offered["text"]))
    nbformat.write(own, tmp_path / "own.ipynb")
    shell.payload_manager.clear_payload()
    names["pieces"].offer(found, "own")
    assert not shell.payload_manager.read_payload()


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_solved_notebook_runs_as_a_script(path, tmp_path):
    script = jupytext.writes(solved(path), fmt="py:percent")
    (tmp_path / "script.py").write_text(script)
    # Isolated from the folder: NumPy is all that a student needs.
    done = subprocess.run(
        [sys.executable, "-I", "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # Nothing else runs the cells that draw: where they cannot, they say so and go on.
    assert "No picture yet" not in done.stdout
