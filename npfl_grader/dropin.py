"""The isolated execution inside nbgrader's own ``autograde`` and the formgrader's button.

nbgrader lets a course name the steps through which it puts a notebook; these two take the place of its own::

    c.Autograde.sanitize_preprocessors = ["npfl_grader.dropin.Rebuild"]
    c.Autograde.autograde_preprocessors = ["npfl_grader.dropin.Isolated"]

What nbgrader does around its steps stays as it is: it goes through the submissions one after the other, it
copies the files beside a notebook before a step runs, and it drops a submission that it cannot read, without
a word in the gradebook. ``npfl-grader autograde`` does all of that better.
"""

from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

from npfl_grader.course import definition, settings, submissions
from npfl_grader.course.gradebook_rows import Rows, late_rule
from npfl_grader.engine.job import Level
from npfl_grader.grading import grade, intake, recognition, search, solution
from npfl_grader.grading.record import Result

Resources = dict[str, Any]


class Rebuild(NbGraderPreprocessor):
    """Rebuild the submission from the instructor's cells."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        course, assignment, name = _place(self, resources)
        path = course.folder("submitted", resources["nbgrader"]["student"], assignment) / f"{name}.ipynb"
        with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
            found = definition.from_gradebook(gradebook, assignment, course.source(assignment))[name]
        # nbgrader has followed a link already; what it has read is not taken.
        known = recognition.recognise(found, intake.read(submissions.read_plain(path)))
        if why := recognition.why_not(found, known):
            raise intake.IntakeError(why)
        rebuilt = intake.rebuild(found, known.cells)
        for note in [*known.notes, *rebuilt.notes]:
            self.log.warning("%s: %s", path, note)
        for note in rebuilt.told:
            self.log.info("%s: %s", path, note)
        return nbformat.reads(grade.document(found, rebuilt).decode(), as_version=4), resources


class Isolated(NbGraderPreprocessor):
    """Run the notebook in a sandbox, the tests outside it, and record the points."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        course, assignment, name = _place(self, resources)
        student = resources["nbgrader"]["student"]
        with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
            definitions = definition.from_gradebook(gradebook, assignment, course.source(assignment))
            submission = search.read(course, assignment, student, definitions)
            self._remove_links(course, assignment, submission)
            files = submissions.instructor_files(course, assignment)
            solutions = solution.load(course, assignment, definitions, files)
            for tried in map(grade.grade, solutions.tasks()):
                solutions.keep(tried)
            task = grade.Task(
                student=student,
                notebook=name,
                definition=definitions[name],
                # What was handed in, not what was rebuilt: a stub that was put back must not run.
                data=submission.notebooks.get(name, nbformat.writes(nb).encode()),
                files=files,
                student_files=submission.helpers(),
                limits=course.limits(),
                require=Level.NONE if course.settings.unprotected else Level.LANDLOCK,
                policy=course.policy(),
            )
            graded = grade.grade(solutions.inform(task))
            for test, reason in graded.unsure.items():
                self.log.error("%s of %s: %s was not graded: %s", name, student, test, reason)
            rows = Rows(gradebook.db(), assignment, late_rule(course))
            rows.record([Result(submission, {name: graded}).work()])
            gradebook.db.commit()
        return nbformat.reads(graded.document.decode(), as_version=4), resources

    def _remove_links(
        self, course: settings.Course, assignment: str, submission: submissions.Submission
    ) -> None:
        """Take away what nbgrader has copied through links: it may be another student's work."""
        folder = course.folder("autograded", submission.student, assignment)
        for path in folder.rglob("*"):
            name = path.relative_to(folder).as_posix()
            if name in submission.left_out and path.is_file():
                self.log.warning(
                    "%s: %s is left out: %s", submission.student, name, submission.left_out[name]
                )
                path.unlink()


def _place(step: NbGraderPreprocessor, resources: Resources) -> tuple[settings.Course, str, str]:
    # nbgrader runs its steps in the course's folder.
    course = settings.from_config(step.config, CourseDirectory(config=step.config))
    return course, resources["nbgrader"]["assignment"], resources["nbgrader"]["notebook"]
