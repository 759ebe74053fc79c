"""What is shown to students of hidden tests and of long outputs."""

from dataclasses import dataclass

SHOWN = "# Hidden tests ran here."


@dataclass(frozen=True)
class Policy:
    """What is shown.

    Attributes
    ----------
    hidden_tests : str
        "message": of a test with hidden parts, which check failed and its message; "name": only which one
        failed; "all": everything, as plain nbgrader does.
    begin, end : str
        nbgrader's marks of hidden tests.
    max_lines, max_traceback : int
        nbgrader's limits of a cell's text and of a traceback, in lines; -1 for no limit.
    """

    hidden_tests: str = "message"
    begin: str = "BEGIN HIDDEN TESTS"
    end: str = "END HIDDEN TESTS"
    max_lines: int = 1000
    max_traceback: int = 100

    def split(self, source: str) -> tuple[str, list[str]]:
        """Part a cell's source into what students see and the lines that are hidden from them."""
        shown: list[str] = []
        hidden: list[str] = []
        inside = False
        for line in source.split("\n"):
            if self.begin in line:
                inside = True
                shown.append(SHOWN)
            elif self.end in line:
                inside = False
            else:
                (hidden if inside else shown).append(line)
        return "\n".join(shown), hidden

    def show_source(self, source: str) -> str:
        """Leave the hidden tests out of an instructor's cell."""
        return source if self.hidden_tests == "all" else self.split(source)[0]
