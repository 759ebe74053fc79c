"""Find the notebooks of an assignment among the files that a student handed in.

A file's name decides where its content agrees. Where it does not, or where several files may be meant, the
content decides if it leaves no doubt; otherwise nothing is run, and a person looks.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from npfl_grader.course import submissions
from npfl_grader.course.definition import Definition
from npfl_grader.course.settings import Course
from npfl_grader.course.submissions import TIMESTAMP, Submission
from npfl_grader.grading import intake, recognition
from npfl_grader.grading.recognition import Recognised

SHOWN = 5


def read(course: Course, assignment: str, student: str, definitions: dict[str, Definition]) -> Submission:
    """Read a submission, and find the assignment's notebooks in it."""
    submission = submissions.read(course, assignment, student, definitions)
    find(submission, definitions)
    return submission


def find(submission: Submission, definitions: dict[str, Definition]) -> None:
    """Move the notebooks of an assignment out of the files of a submission."""
    for path, reason in submission.left_out.items():
        if path == ".":
            submission.refused = dict.fromkeys(definitions, reason)
        elif path in {f"{name}.ipynb" for name in definitions}:
            submission.refused[path.removesuffix(".ipynb")] = reason
    candidates = {path: data for path, data in submission.files.items() if _is_notebook(path, data)}
    chosen: dict[str, str] = {}
    if {*candidates} == {f"{name}.ipynb" for name in definitions if name not in submission.refused}:
        chosen = {path.removesuffix(".ipynb"): path for path in candidates}
    elif candidates or not submission.refused:
        chosen = _by_content(submission, candidates, definitions)
    for name, path in chosen.items():
        submission.notebooks[name] = candidates[path]
    _move_up(submission, chosen.values())
    for path in candidates:
        if path.casefold().endswith(".ipynb") or path in chosen.values():
            del submission.files[path]
    _look_for_the_rest(submission, [path for path in candidates if path not in chosen.values()], definitions)


def _is_notebook(path: str, data: bytes) -> bool:
    """Whether a file is meant to be a notebook, whatever a browser has made of its name."""
    lower = path.casefold()
    if lower.endswith(".ipynb"):
        return True
    start = data[:64].lstrip(b"\xef\xbb\xbf \r\n\t")
    return lower.endswith((".txt", ".json")) and start.startswith(b"{") and b'"nbformat"' in data


def _by_content(
    submission: Submission, candidates: dict[str, bytes], definitions: dict[str, Definition]
) -> dict[str, str]:
    """Choose for each notebook of the assignment a file."""
    fits: dict[str, dict[str, Recognised]] = {name: {} for name in definitions}
    for path, data in candidates.items():
        try:
            cells = intake.read(data)
        except intake.IntakeError:
            continue
        found = {name: recognition.recognise(cells_of, cells) for name, cells_of in definitions.items()}
        share = {name: found[name].known / max(len(definitions[name].cells), 1) for name in found}
        # Where notebooks share as many cells, the file's name says which is meant.
        best = max(share.values())
        named = path.removesuffix(".ipynb")
        meant = [named] if share.get(named) == best else [name for name in share if share[name] == best]
        for name in meant:
            if recognition.why_not(definitions[name], found[name]) is None:
                fits[name][path] = found[name]
    chosen: dict[str, str] = {}
    for name in definitions:
        own = f"{name}.ipynb"
        if choice := _choose(submission, name, fits[name], candidates):
            submission.refused.pop(name, None)
            chosen[name] = choice
        elif own in candidates and name not in submission.refused and own not in {*_all(fits)}:
            chosen[name] = own  # whoever runs it says what is wrong with it
    return chosen


def _all(fits: dict[str, dict[str, Recognised]]) -> Iterable[str]:
    return (path for found in fits.values() for path in found)


def _choose(
    submission: Submission, name: str, fits: dict[str, Recognised], candidates: dict[str, bytes]
) -> str | None:
    own = f"{name}.ipynb"
    answered = [path for path, found in fits.items() if found.answered]
    different = {candidates[path] for path in answered}
    if own in answered or (own in fits and not answered):
        if len(different) > 1:
            others = ", ".join(path for path in answered if path != own)
            submission.notes.append(f"{own} was taken, though there is also {others}")
        return own
    if len(different) > 1:
        submission.refused[name] = f"several files may be meant: {', '.join(answered[:SHOWN])}"
        return None
    paths = answered or list(fits)
    if not paths:
        return None
    why = f", as {own} is as it was handed out" if own in fits else ""
    submission.notes.append(f"{paths[0]} was taken for {own}{why}")
    return paths[0]


def _move_up(submission: Submission, paths: Iterable[str]) -> None:
    """Let code find the files that lie beside a notebook in a folder."""
    for path in paths:
        folder = PurePosixPath(path).parent
        for name in list(submission.files) if folder.parts else ():
            if PurePosixPath(name).is_relative_to(folder):
                inside = PurePosixPath(name).relative_to(folder).as_posix()
                submission.files.setdefault(inside, submission.files[name])


def _look_for_the_rest(submission: Submission, unused: list[str], definitions: dict[str, Definition]) -> None:
    """Refuse what is missing where files are there that may be it: only who handed in nothing has nothing."""
    submission.notes += [f"{path} is no notebook of the assignment" for path in unused]
    found = bool(submission.notebooks)
    others = sorted({*submission.files} - {TIMESTAMP})
    suspects = unused + [path for path in others if path.casefold().endswith((".py", ".html", ".pdf"))]
    if not found:
        suspects += [path for path in others if path not in suspects]
    for name in definitions:
        if name in submission.notebooks or name in submission.refused:
            continue
        if suspects:
            listed = ", ".join(suspects[:SHOWN])
            submission.refused[name] = f"{name}.ipynb was not handed in, but {listed}"
        elif not found:
            submission.refused[name] = f"{name}.ipynb was not handed in, the folder is empty"
