"""What stops a command, said in one line."""


class CourseError(Exception):
    """The course cannot be graded as it stands; the message is one line that says what to do."""
