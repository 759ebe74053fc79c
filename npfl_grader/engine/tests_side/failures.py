"""How the tests' side fails, by whose fault."""


class Fault(Exception):
    """The grader itself cannot go on; nobody's answer is wrong."""


class NoAnswer(RuntimeError):
    """The student's process has ended, has sent nonsense, or has not answered in time."""


class Unsupported(TypeError):
    """The tests ask for something that cannot be done across two processes, or the engine has failed."""
