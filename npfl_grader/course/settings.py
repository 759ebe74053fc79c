"""A course's settings: nbgrader's own, and the grader's, from the same ``nbgrader_config.py``."""

import difflib
import logging
import re
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, ClearHiddenTests, Execute, LimitOutput
from sqlalchemy import create_engine
from sqlalchemy.exc import ArgumentError
from traitlets import Bool, Dict, Enum, Integer, TraitError, Unicode
from traitlets.config import Config, Configurable

from npfl_grader.course.policy import Policy
from npfl_grader.engine.job import Limits
from npfl_grader.errors import CourseError
from npfl_grader.late import LatePenalty

TRAIT = re.compile(
    r"The (?:value of the )?'(\w+)' trait of (?:an? |<[\w.]*\.)(\w+)(?: object at \w+>)? instance"
)


USUAL = Limits()


class NpflGrader(Configurable):
    """The grader's settings, ``c.NpflGrader.… = …`` in ``nbgrader_config.py``."""

    hidden_tests = Enum(
        ("message", "name", "all"),
        "message",
        help="What autograded notebooks and feedback show of tests with hidden parts: which check failed and "
        "its message, only which check failed, or all, code and output too.",
    ).tag(config=True)
    unprotected = Bool(
        False, help="Whether to go on where this machine cannot confine what students wrote."
    ).tag(config=True)
    together = Bool(
        True,
        help="Whether a check that even the instructor's own solution passes only in one process with it is "
        "judged so for students too, without protection against a determined one; otherwise a person looks.",
    ).tag(config=True)
    call_timeout = Integer(
        int(USUAL.call), help="Seconds for one call of a student's function by a test."
    ).tag(config=True)
    notebook_timeout = Integer(int(USUAL.notebook), help="Seconds for a whole notebook.").tag(config=True)
    memory = Integer(USUAL.memory, help="Bytes of memory for a student's process.").tag(config=True)
    processes = Integer(USUAL.processes, help="How many processes and threads a submission may have.").tag(
        config=True
    )
    output = Integer(USUAL.output, help="Bytes of output kept of all cells together.").tag(config=True)
    file = Integer(USUAL.file, help="Bytes that a submission may write into files.").tag(config=True)
    timezone = Unicode("UTC", help="The time zone of due dates and of times in archives.").tag(config=True)
    assignments = Dict(
        help='For each assignment, by name, "due", such as "2026-03-10 23:59", "points", what all of its '
        'points together count in the published grades, and "bonus", the grade ids of questions whose points '
        "come on top of them."
    ).tag(config=True)


@dataclass(eq=False)
class Course:
    """A course directory with its settings."""

    config: Config
    directory: CourseDirectory
    settings: NpflGrader
    converter: Autograde

    @property
    def root(self) -> Path:
        return Path(self.directory.root)

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """Name the folder of a student's assignment in one of nbgrader's steps, such as "autograded"."""
        directory = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(directory, student, assignment))

    def source(self, assignment: str) -> Path:
        """Name the folder of an assignment's source notebooks."""
        return Path(self.directory.format_path(self.directory.source_directory, ".", assignment))

    def timezone(self) -> ZoneInfo:
        """Give the course's time zone.

        Raises
        ------
        CourseError
            If there is no such zone.
        """
        try:
            return ZoneInfo(self.settings.timezone)
        except (KeyError, ValueError, OSError):
            raise CourseError(
                f"{self.root / 'nbgrader_config.py'}: c.NpflGrader.timezone: there is no time zone "
                f"{self.settings.timezone!r}: write a name such as 'Europe/Prague'"
            ) from None

    def worth(self, assignment: str) -> float | None:
        """Say what all points of an assignment together count, if the course says so."""
        chosen = self.settings.assignments.get(assignment, {})
        return chosen.get("points") if isinstance(chosen, dict) else None

    def bonus(self, assignment: str) -> list[str]:
        """Name the questions whose points come on top."""
        chosen = self.settings.assignments.get(assignment, {})
        return list(chosen.get("bonus", [])) if isinstance(chosen, dict) else []

    @property
    def permissions(self) -> int:
        """The mode of the files that nbgrader writes, 0444 unless it is told otherwise."""
        return int(str(self.converter.permissions), 8)

    def limits(self) -> Limits:
        """Collect the engine's limits; seconds for a cell are nbgrader's own setting."""
        settings = self.settings
        # The course's setting may be of nbgrader's class or of the one that it inherits from.
        cell = Execute(config=self.config).timeout
        return Limits(
            cell=cell if cell and cell > 0 else settings.notebook_timeout,
            call=settings.call_timeout,
            notebook=settings.notebook_timeout,
            memory=settings.memory,
            processes=settings.processes,
            output=settings.output,
            file=settings.file,
        )

    def policy(self) -> Policy:
        """Collect what is shown."""
        marks, limit = ClearHiddenTests(config=self.config), LimitOutput(config=self.config)
        return Policy(
            self.settings.hidden_tests,
            marks.begin_test_delimeter,
            marks.end_test_delimeter,
            limit.max_lines,
            limit.max_traceback,
        )


def load(root: Path) -> Course:
    """Read the settings of a course as nbgrader reads them.

    Raises
    ------
    CourseError
        If the folder is no course, or its settings cannot be read.
    """
    root = root.resolve()
    if not (root / "nbgrader_config.py").exists() and not (root / "gradebook.db").exists():
        raise CourseError(
            f"{root}: this is no nbgrader course (no nbgrader_config.py): run it in the course's folder"
        )
    config = root / "nbgrader_config.py"
    app = NbGrader()
    app.log_level = logging.ERROR
    app.raise_config_file_errors = True
    try:
        app.initialize([], root=str(root))
        course = from_config(app.config, app.coursedir)
        # What is wrong with a value shall be said before anything is done.
        course.limits()
        course.policy()
        for kind in (LatePenalty, AssignLatePenalties):
            kind(config=course.config)
        create_engine(course.directory.db_url)
    except SystemExit:
        # Traitlets has said on stderr what is wrong with the file.
        raise CourseError(f"{config}: nbgrader's settings cannot be read") from None
    except TraitError as error:
        reason = TRAIT.sub(r"c.\2.\1", str(error)).rstrip(".")
        raise CourseError(f"{config}: {reason}: mend the value") from None
    except (ArgumentError, ImportError) as error:
        raise CourseError(
            f"{config}: c.CourseDirectory.db_url cannot be used: {error}: write it as "
            "'postgresql+psycopg://user@host/gradebook', or leave it out for a file in the course"
        ) from None
    except Exception as error:
        where = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == "<module>"]
        line = error.lineno if isinstance(error, SyntaxError) else where[-1].lineno if where else None
        path = error.filename if isinstance(error, SyntaxError) else where[-1].filename if where else config
        place = f"{path}, line {line}" if line else config
        reason = error.msg if isinstance(error, SyntaxError) else f"{type(error).__name__}: {error}"
        raise CourseError(f"{place}: the settings cannot be read: {reason}: mend the line") from None
    _check_names(course.config, config)
    return course


def _check_names(config: Config, path: Path) -> None:
    """Refuse a setting of ours that is misspelt: traitlets would leave it out."""
    known = {kind.__name__: kind.class_trait_names(config=True) for kind in (NpflGrader, LatePenalty)}
    for section, values in config.items():
        for name in values if section in known else ():
            if name not in known[section]:
                near = difflib.get_close_matches(name, known[section], 1, 0.5)
                hint = f", did you mean {near[0]}?" if near else f": there are {', '.join(known[section])}"
                raise CourseError(f"{path}: there is no setting c.{section}.{name}{hint}")
        near = difflib.get_close_matches(section, known, 1, 0.8)
        if near and section not in known:
            raise CourseError(f"{path}: c.{section} is unknown, did you mean c.{near[0]}?")


def from_config(config: Config, directory: CourseDirectory) -> Course:
    """Take the settings from a configuration that nbgrader has read."""
    return Course(
        config,
        directory,
        NpflGrader(config=config),
        Autograde(coursedir=directory, config=config),
    )


def due_dates(course: Course) -> dict[str, datetime]:
    """Read the due dates out of the settings, in UTC.

    Raises
    ------
    CourseError
        If one is none.
    """
    where = f"{course.root / 'nbgrader_config.py'}: c.NpflGrader"
    zone = course.timezone()
    found = {}
    for name, chosen in course.settings.assignments.items():
        if not isinstance(chosen, dict) or {*chosen} - {"due", "points", "bonus"}:
            raise CourseError(
                f'{where}.assignments: {name} needs a dictionary with "due", "points" or "bonus", '
                f"it has {chosen!r}"
            )
        points = chosen.get("points", 1)
        if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
            raise CourseError(
                f"{where}.assignments: {name}: {points!r} are no points: write a number above 0"
            )
        bonus = chosen.get("bonus", [])
        if not isinstance(bonus, list) or not all(isinstance(cell, str) for cell in bonus):
            raise CourseError(
                f"{where}.assignments: {name}: {bonus!r} names no questions: write the grade ids in a list"
            )
        if "due" in chosen:
            text = str(chosen["due"])
            try:
                # No other form: of 10/3 nobody knows the month.
                due = datetime.fromisoformat(text)
            except ValueError:
                due = None
            if due is None or len(text) <= len("2026-03-10"):  # a day alone would end as it begins
                raise CourseError(
                    f"{where}.assignments: {name}: {text!r} is no time: write it as '2026-03-10 23:59'"
                )
            found[name] = (due if due.tzinfo else due.replace(tzinfo=zone)).astimezone(UTC)
    return found
