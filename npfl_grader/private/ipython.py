"""Private names of IPython."""

import types
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

NAMES = ("_showtraceback", "_get_exc_info", "_format_exception_for_storage")


class Shell(InteractiveShell):
    """A shell that hands over the exceptions of cells instead of printing them."""

    def show_exception(self, kind: type, error: BaseException, lines: list[str]) -> None:
        """Show an exception, whose traceback has been rendered."""
        raise NotImplementedError

    def shorten(self, trace: types.TracebackType | None) -> types.TracebackType | None:
        """Leave out what no reader needs of a traceback."""
        return trace

    def exception(self, exc_tuple: Any = None) -> tuple[type, BaseException, types.TracebackType | None]:
        """Return the exception that is being handled, or the given one, with its traceback shortened."""
        kind, error, trace = super()._get_exc_info(exc_tuple)
        return kind, error, self.shorten(trace)

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.show_exception(etype, evalue, stb)

    def _get_exc_info(self, exc_tuple: Any = None) -> Any:
        return self.exception(exc_tuple)

    def _format_exception_for_storage(self, exception: BaseException, *_: Any, **__: Any) -> dict[str, Any]:
        return {}  # a history that nobody reads, and that takes as long as the traceback that is shown
