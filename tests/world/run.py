"""Grade strangers' notebooks with stock nbgrader and with this grader, and compare cell by cell.

    python tests/world/run.py FOLDER [--mutants N] [--seconds S] [--report FILE] [--again]

FOLDER holds repositories with nbgrader source notebooks, at any depth, each with what lies beside it. Of each
notebook these are handed in: the instructor's solution, the untouched stub, and solutions with one mistake
each. Only notebooks in Python with solutions and tests are taken, each once; what nbgrader itself does not
release is named. A run that was stopped goes on where it was; `--again` grades all of them again with this
grader, and keeps what stock nbgrader has given, which takes most of the time.
"""

import argparse
import ast
import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.apps.api import NbGraderAPI
from nbgrader.nbgraderformat import MetadataValidator
from rich.console import Console
from rich.progress import track
from rich.table import Table

from npfl_grader.course import settings
from npfl_grader.grading.tried import mend

CHUNK = 8  # notebooks in one course, for which each grader starts once
BESIDE = 20_000_000  # bytes of files beside a notebook that are taken along
OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass
class Compared:
    """What became of the cells of one notebook.

    Attributes
    ----------
    cells : list of tuple
        Student, cell, points with stock nbgrader and here (None: left to a person), and what was said here.
    lost : set of str
        The cells that the solution does not win with stock nbgrader, which say nothing of the grader.
    skipped : str
        Why it was not compared, if it was not.
    seconds : tuple of float
        What stock nbgrader and this grader took.
    together : dict
        The tests that the solution passes only in one process with them, and what each said apart.
    """

    name: str
    cells: list[tuple[str, str, float | None, float | None, str]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    skipped: str = ""
    seconds: tuple[float, float] = (0.0, 0.0)
    together: dict[str, str] = field(default_factory=dict)


class Mistake(ast.NodeTransformer):
    """Change the operator, the constant or the returned value with a given number."""

    def __init__(self, number: int) -> None:
        self.number, self.seen = number, 0

    def _mine(self) -> bool:
        self.seen += 1
        return self.seen == self.number + 1

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if type(node.op) in OPERATORS and self._mine():
            node.op = OPERATORS[type(node.op)]()  # type: ignore[assignment]
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if type(node.ops[0]) in OPERATORS and self._mine():
            node.ops[0] = OPERATORS[type(node.ops[0])]()  # type: ignore[call-overload]
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) in (int, float) and self._mine():
            return ast.Constant(node.value + 1)
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None and self._mine():
            node.value = ast.Constant(None)
        return node


def mutants(source: NotebookNode, most: int) -> list[NotebookNode]:
    """Make solutions with one mistake each, always the same for one notebook."""
    places = []
    for index, cell in enumerate(source.cells):
        if cell.cell_type != "code" or not cell.metadata.get("nbgrader", {}).get("solution"):
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:  # magics
            continue
        counter = Mistake(-1)
        counter.visit(tree)
        places += [(index, number) for number in range(counter.seen)]
    random.Random(len(places)).shuffle(places)
    made = []
    for index, number in places[:most]:
        changed = nbformat.from_dict(json.loads(json.dumps(source)))
        cell = changed.cells[index]
        cell.source = ast.unparse(Mistake(number).visit(ast.parse(cell.source)))
        made.append(changed)
    return made


def solved(path: Path) -> str:
    """Give the code of a notebook in Python that has a solution and a test, else nothing."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [
            (cell["metadata"].get("nbgrader") or {}, "".join(cell["source"]))
            for cell in notebook["cells"]
            if cell["cell_type"] == "code"
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ""
    language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    answers = [text for marks, text in cells if marks.get("solution")]
    solution = any("BEGIN SOLUTION" in text or "NotImplementedError" not in text for text in answers)
    tests = any(
        marks.get("grade") and not marks.get("solution") and marks.get("points") for marks, _ in cells
    )
    python = language.lower().startswith("python")
    return "\n".join(text for _, text in cells) if python and solution and tests else ""


def sources(folder: Path) -> dict[str, Path]:
    """Find the source notebooks below a folder, by relative path, each of a repository once."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts and (code := solved(path)):
            found.setdefault((path.relative_to(folder).parts[0], code), path)
    return {str(path.relative_to(folder)): path for path in found.values()}


def prepare(path: Path, course: Path, name: str, most: int, api: NbGraderAPI) -> str:
    """Make an assignment of a notebook and hand in its solutions; say why not, if it cannot be."""
    # What older versions of nbgrader wrote is brought up to date, as "nbgrader update" does it.
    source = MetadataValidator().upgrade_notebook_metadata(nbformat.read(path, as_version=4))
    source.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    folder = course / "source" / name
    shutil.copytree(path.parent, folder, ignore=_not_beside(path), dirs_exist_ok=True)
    nbformat.write(source, folder / f"{name}.ipynb")
    done = api.generate_assignment(name)
    release = course / "release" / name / f"{name}.ipynb"
    if not done["success"] or not release.exists():
        lines = (done.get("error") or done.get("log") or "?").strip().splitlines()
        return f"nbgrader does not release it: {lines[-1][-150:]}"
    stub = nbformat.read(release, as_version=4)
    if [cell.source for cell in stub.cells] == [cell.source for cell in source.cells]:
        return "it holds no solution"
    handed = {"solution": source, "stub": stub}
    handed |= {f"mutant{n}": changed for n, changed in enumerate(mutants(source, most))}
    for student, notebook in handed.items():
        place = course / "submitted" / student / name
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{name}.ipynb")
    return ""


def _not_beside(path: Path):
    def ignore(folder: str, names: list[str]) -> set[str]:
        left = {n for n in names if n.endswith(".ipynb") or n.startswith((".", "__pycache__"))}
        sizes = {
            n: os.path.getsize(os.path.join(folder, n))
            for n in names
            if os.path.isfile(os.path.join(folder, n))
        }
        return left | {n for n, size in sizes.items() if size > BESIDE}

    return ignore


def scores(course: Path, name: str) -> dict[tuple[str, str], tuple[float | None, bool, float]]:
    """Read by student and cell the points of the tests, whether a person is asked, and the most."""
    with sqlite3.connect(course / "gradebook.db") as database:
        rows = database.execute(
            """select s.student_id, b.name, g.auto_score, g.needs_manual_grade, c.max_score from grade g
            join submitted_notebook x on x.id = g.notebook_id
            join submitted_assignment s on s.id = x.assignment_id join assignment a on a.id = s.assignment_id
            join base_cell b on b.id = g.cell_id join grade_cells c on c.id = b.id
            where a.name = ? and c.cell_type = 'code' and c.max_score > 0
            and b.name not in (select b2.name from base_cell b2 join solution_cells z on z.id = b2.id
                               where b2.notebook_id = b.notebook_id)""",
            (name,),
        ).fetchall()
    return {(student, cell): (points, bool(manual), most) for student, cell, points, manual, most in rows}


def compare(paths: dict[str, Path], most: int, seconds: int, known: dict[str, Compared]) -> list[Compared]:
    """Grade the solutions of some notebooks twice, each an assignment of one course.

    What stock nbgrader has given to those that are `known` is not worked out again.
    """
    with tempfile.TemporaryDirectory(prefix="npfl-world-") as folder:
        course, ours = Path(folder, "stock"), Path(folder, "ours")
        course.mkdir()
        (course / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.CourseDirectory.course_id = 'world'\nc.Execute.timeout = {seconds}\n"
        )
        with contextlib.chdir(course):
            loaded = settings.load(course)
            loaded.directory.root = str(course)
            api = NbGraderAPI(loaded.directory, config=loaded.config)
            skipped = {name: prepare(path, course, name, most, api) for name, path in paths.items()}
            names = [name for name, why in skipped.items() if not why]
            shutil.copytree(course, ours)
            began = time.monotonic()
            for name in [name for name in names if name not in known]:
                for student in sorted(entry.parent.name for entry in course.glob(f"submitted/*/{name}")):
                    api.autograde(name, student)
            stock = time.monotonic() - began
        failed = ""
        began = time.monotonic()
        if names:
            command = [sys.executable, "-m", "npfl_grader.cli", "autograde", *names]
            done = subprocess.run(command, cwd=ours, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 3):
                failed = f"THIS GRADER FAILED: {(done.stderr or done.stdout).strip()[-300:]}"
        here = time.monotonic() - began
        share = max(1, len(names))
        compared = [Compared(name, skipped=skipped[name] or failed) for name in paths]
        for entry in compared:
            if not entry.skipped:
                before = known.get(entry.name)
                entry.seconds = (before.seconds[0] if before else stock / share, here / share)
                read(entry, course, ours, before)
        return compared


def read(compared: Compared, course: Path, ours: Path, before: Compared | None) -> None:
    """Read from both gradebooks, or from what stock nbgrader gave before, what became of the cells."""
    name = compared.name
    mine = scores(ours, name)
    report = json.loads((ours / "grading" / f"{name}.json").read_text())
    rows = {row["student"]: row for row in report["rows"]}
    compared.together = report.get("solutions", {}).get(name, {}).get("together", {})
    if before:
        theirs = {(student, cell): points for student, cell, points, _, _ in before.cells}
        compared.lost = before.lost
    else:
        graded = scores(course, name)
        cells = {cell for student, cell in graded if student == "solution"}
        won = {cell for cell in cells if graded["solution", cell][0] == graded["solution", cell][2]}
        compared.lost = cells - won
        theirs = {(student, cell): points for (student, cell), (points, *_) in graded.items() if cell in won}
    for (student, cell), points in sorted(theirs.items()):
        here, manual, _ = mine.get((student, cell), (None, True, 0))
        row = rows.get(student, {})
        said = row.get("failed", {}).get(name, {}).get(cell, "") or "; ".join(row.get("reasons", []))
        compared.cells.append((student, cell, points, None if manual else here, said))


def kept(report: Path) -> list[Compared]:
    """Read what a run that was stopped has compared."""
    try:
        entries = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [Compared(**{**entry, "lost": set(entry["lost"])}) for entry in entries]


def _chunks(items: list[tuple[str, Path]]) -> list[list[tuple[str, Path]]]:
    return [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]


def verdict(stock: float | None, here: float | None) -> str:
    if here is None:
        return "a person"
    # Stock nbgrader leaves None where it gave up on the notebook.
    if stock is None:
        return "only here"
    return "equal" if abs(stock - here) < 1e-9 else "less" if here < stock else "more"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--mutants", type=int, default=2, help="of each notebook")
    options.add_argument("--seconds", type=int, default=60, help="for a cell")
    options.add_argument("--report", type=Path, default=Path("_build/world.json"), help="every cell, as JSON")
    options.add_argument("--again", action="store_true", help="grade again here, not with stock nbgrader")
    chosen = options.parse_args()
    console = Console(width=200)
    paths = sources(chosen.folder)
    if not paths:
        sys.exit(f"{chosen.folder}: below it is no notebook with a solution and a test: name another folder")
    chosen.report.parent.mkdir(parents=True, exist_ok=True)
    known = {compared.name: compared for compared in kept(chosen.report)}
    if chosen.again:
        paths = {name: path for name, path in paths.items() if name in known and not known[name].skipped}
    elif known:
        paths = {name: path for name, path in paths.items() if name not in known}
        console.print(f"{len(known)} notebooks stand in {chosen.report} already: remove it to begin anew")
    chunks = [list(paths.items())[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    for chunk in track(chunks, console=Console(stderr=True), description=f"{CHUNK} notebooks each"):
        short = {f"n{number}": name for number, (name, _) in enumerate(chunk)}
        before = {n: replace(known[name], name=n) for n, name in short.items() if name in known}
        for compared in compare(
            {n: paths[name] for n, name in short.items()}, chosen.mutants, chosen.seconds, before
        ):
            compared.name = short[compared.name]
            known[compared.name] = compared
            if compared.skipped:
                console.print(f"{compared.name}: {compared.skipped}", markup=False)
            for student, cell, stock, here, said in compared.cells:
                if (kind := verdict(stock, here)) != "equal":
                    points = f"{stock} with nbgrader, {here} here"
                    console.print(
                        f"{compared.name}: {student} {cell}: {kind}: {points}: {said[:200]}", markup=False
                    )
        chosen.report.write_text(
            json.dumps([vars(c) for c in known.values()], ensure_ascii=False, indent=1, default=sorted)
        )
    summary(list(known.values()), console)
    if any(verdict(s, h) == "less" for c in known.values() for _, _, s, h, _ in c.cells):
        sys.exit(3)


def summary(all_compared: list[Compared], console: Console) -> None:
    # A notebook whose solution wins nothing with stock nbgrader says nothing of the grader.
    graded = [compared for compared in all_compared if compared.cells]
    repositories = {compared.name.partition("/")[0] for compared in graded}
    table = Table(
        title=f"{len(graded)} notebooks of {len(repositories)} repositories compared, "
        f"{len(all_compared) - len(graded)} left out"
    )
    kinds = ("equal", "less", "more", "a person", "only here")
    for column in ("handed in", "cells", *kinds):
        table.add_column(column, justify="right")
    for what in ("solution", "stub", "mutant"):
        counts = Counter(
            verdict(stock, here)
            for compared in graded
            for student, _, stock, here, _ in compared.cells
            if student.startswith(what)
        )
        table.add_row(what, str(sum(counts.values())), *(str(counts[kind]) for kind in kinds))
    console.print(table)
    console.print("Repositories: " + ", ".join(sorted(repositories)))
    causes = Counter(mend(said) for compared in graded for said in compared.together.values())
    for cause, number in causes.most_common():
        console.print(f"{number} tests are judged together with the student's code: {cause}", markup=False)
    stock, here = (sum(compared.seconds[k] for compared in graded) for k in (0, 1))
    console.print(
        f"{sum(len(c.lost) for c in graded)} tests left out: the solution does not win them with nbgrader; "
        f"stock nbgrader took {stock:.0f} s, this grader {here:.0f} s"
    )


if __name__ == "__main__":
    main()
