"""Run the cells of a notebook in this process as a kernel would, without a kernel.

`prepare` is called once in a warm process, `Notebook` is made in each process that is forked from it.
"""

import ast
import base64
import builtins
import contextlib
import gc
import importlib
import io
import os
import signal
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import ExecutionResult
from IPython.utils.text import SList
from pygments.lexer import words
from pygments.lexers.python import PythonLexer
from traitlets.config import Config

from npfl_grader.engine.both.outputs import error_output
from npfl_grader.engine.job import MOST_WAITING, Output
from npfl_grader.private.ipython import Shell

ENGINE = str(Path(__file__).parents[1])

Variables = dict[str, Any]  # by name
Bundle = dict[str, Any]  # by MIME type


class CellTimeout(BaseException):
    """The cell has run for as long as it may; no ``except Exception`` stops it."""


class NoInput(EOFError):
    """Nobody is there to answer ``input()``."""


class NotText(TypeError):
    """What a cell has written to a stream is no text."""


class Outputs:
    """The outputs of the cell that runs, up to a number of bytes.

    Parameters
    ----------
    most : int
        Bytes that all cells together may put out.
    """

    def __init__(self, most: int) -> None:
        self.left = most
        self.taken: list[Output] = []
        self.dropped = 0

    def stream(self, name: str, text: str) -> None:
        """Take what was written to stdout or stderr."""
        kept = text[: max(0, self.left)]
        self.dropped += len(text) - len(kept)
        self.left -= len(kept)
        if not kept:
            return
        last = self.taken[-1] if self.taken else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"].append(kept)
        else:
            self.taken.append({"output_type": "stream", "name": name, "text": [kept]})

    def add(self, output: Output) -> None:
        """Take any other output."""
        size = len(repr(output))
        if size > self.left:
            self.dropped += size
            return
        self.left -= size
        self.taken.append(output)

    def update(self, identity: str, data: Bundle, metadata: Bundle) -> None:
        """Replace what was displayed under an identity."""
        for output in self.taken:
            if output.get("transient") == identity:
                output.update(data=data, metadata=metadata)

    def take(self) -> list[Output]:
        """Return the outputs, as nbformat has them, and begin anew."""
        outputs, self.taken = self.taken, []
        for output in outputs:
            output.pop("transient", None)
            if output["output_type"] == "stream":
                output["text"] = "".join(output["text"])
        if self.dropped:
            note = f"... {self.dropped} characters more, which were not kept\n"
            outputs.append({"output_type": "stream", "name": "stdout", "text": note})
            self.dropped = 0
        return outputs


class Stream(io.TextIOBase):
    """What stdout and stderr are in a notebook."""

    encoding = "utf-8"
    outputs = Outputs(0)

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise NotText(f"write() argument must be str, not {type(text).__name__}")
        Stream.outputs.stream(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True


class _Publisher(DisplayPublisher):
    def publish(  # type: ignore[override]
        self,
        data: Bundle,
        metadata: Bundle | None = None,
        *,
        transient: Bundle | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        identity = (transient or {}).get("display_id")
        data, metadata = _plain(data), _plain(metadata or {})
        if update and identity is not None:
            Stream.outputs.update(identity, data, metadata)
            return
        output = {"output_type": "display_data", "data": data, "metadata": metadata}
        Stream.outputs.add(output | {"transient": identity} if identity else output)

    def clear_output(self, wait: bool = False) -> None:
        Stream.outputs.taken.clear()


class _Hook(DisplayHook):
    def start_displayhook(self) -> None:
        pass

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Bundle, md_dict: Bundle | None = None) -> None:
        data, metadata = _plain(format_dict), _plain(md_dict or {})
        output = {"output_type": "execute_result", "execution_count": self.prompt_count}
        Stream.outputs.add(output | {"data": data, "metadata": metadata})

    def finish_displayhook(self) -> None:
        pass


class _Compiler(CachingCompiler):
    """A compiler that parses a cell once, for those who ask whether it is Python and for who runs it."""

    _parsed: tuple[tuple[str, int], ast.AST] | None = None

    def is_python(self, source: str) -> bool:
        """Say whether a cell holds nothing but Python."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                tree = super().ast_parse(source)
            except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
                return False
        # What is warned of is for who runs it, and names the cell.
        self._parsed = None if warned else ((source, self.flags), tree)
        return True

    def ast_parse(self, source: str, filename: str = "<unknown>", symbol: str = "exec") -> ast.AST:
        known, self._parsed = self._parsed, None  # whoever gets it may change it
        if known and symbol == "exec" and known[0] == (source, self.flags):
            return known[1]
        return super().ast_parse(source, filename, symbol)


class _Transformers(TransformerManager):
    """IPython's transformers, but what is Python is not searched, token by token, for what is none."""

    def __init__(self) -> None:
        super().__init__()
        self.compiler: Any = None
        self._usual = list(self.token_transformers)

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        usual = self.token_transformers == self._usual
        if usual and isinstance(self.compiler, _Compiler) and self.compiler.is_python("".join(lines)):
            return lines
        return list(super().do_token_transforms(lines))


class _Shell(Shell):
    most: int | None = None
    began: Callable[[], None] | None = None
    brief = False
    testing = False

    async def run_ast_nodes(
        self,
        nodelist: list[ast.stmt],
        cell_name: str,
        interactivity: str = "last_expr",
        compiler: Any = compile,
        result: ExecutionResult | None = None,
    ) -> bool:
        # One statement after the other, as IPython does it. What a cell runs inside it is not counted.
        most, began = self.most, self.began
        self.most = self.began = None
        kept = nodelist[:most]
        for node in kept:
            if began:
                began()
            shown = interactivity if node is nodelist[-1] else "none"
            if await super().run_ast_nodes([node], cell_name, shown, compiler, result):
                return True
        return False

    def should_run_async(self, raw_cell: str, **known: Any) -> bool:
        # IPython compiles the cell to see it; nothing but these words makes it so.
        words = known.get("transformed_cell") or raw_cell
        return ("await" in words or "async" in words) and super().should_run_async(raw_cell, **known)

    def ask_exit(self) -> None:
        """Let quit() and exit() be errors that feedback explains; a kernel would end without a word."""
        raise SystemExit

    def show_exception(self, kind: type, error: BaseException, lines: list[str]) -> None:
        Stream.outputs.taken.append(error_output(kind.__name__, _text(error), [str(line) for line in lines]))

    def shorten(self, trace: types.TracebackType | None) -> types.TracebackType | None:
        return _without_engine(trace)

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        if not self.brief:
            super().showtraceback(exc_tuple, *args, **kwargs)
            return
        kind, error, _ = self.exception(exc_tuple)
        Stream.outputs.taken.append(error_output(kind.__name__, _text(error)))

    def enable_gui(self, gui: Any = None) -> None:
        pass

    def system(self, cmd: str) -> None:
        """Leave out a line such as ``!ls`` or ``!pip install``: nothing else of the cell needs it."""
        print(f"!{cmd}\nnot run: no other programs run while a notebook is graded")

    system_raw = system_piped = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | str:
        """Give nothing for what another program would print, but no test a word to be content with."""
        if self.testing:
            raise OSError(f"!{cmd}: no other programs run while a notebook is graded")
        self.system(cmd)
        return SList() if split else ""

    def init_virtualenv(self) -> None:
        pass


def _without_engine(trace: types.TracebackType | None) -> types.TracebackType | None:
    """End the traceback where the cell calls into the engine, whose frames say nothing to a reader."""
    frames: list[types.TracebackType] = []
    while trace is not None:
        if frames and trace.tb_frame.f_code.co_filename.startswith(ENGINE):
            break
        frames.append(trace)
        trace = trace.tb_next
    kept = None
    for frame in reversed(frames):
        kept = types.TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return kept


def _plain(bundle: Bundle) -> Bundle:
    """Make a MIME bundle what JSON can say."""
    return {
        str(kind): base64.b64encode(data).decode() if isinstance(data, bytes) else data
        for kind, data in bundle.items()
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "<the exception has no readable message>"


_shell: _Shell


def _settle_words() -> None:
    """Replace the lists of words in the lexer of Python by what is made of them.

    For each frame of a traceback a lexer class is derived, and all of it made anew.
    """
    for rules in PythonLexer.tokens.values():
        for place, rule in enumerate(rules):
            if type(rule) is tuple and isinstance(rule[0], words):
                rules[place] = (rule[0].get(), *rule[1:])


# Cells that are run once, for what they load.
_ERRORS = ("def f():\n    raise ValueError\nf()", "def f(:")
_USES = {
    # A traceback through this module takes its syntax tree, which is large.
    "numpy.testing": "import numpy\ndef f():\n    numpy.testing.assert_allclose([1.0], [2.0])\nf()",
    # The first figure loads and measures what all others use.
    "matplotlib.pyplot": """
import matplotlib.pyplot as plt
_, (a, b) = plt.subplots(1, 2)
a.hist([1.5, 2])
a.scatter([0.0], [1.0])
b.plot([1, 10], label="0.5")
b.set(title="0", xlabel="$x$", yscale="log")
b.legend()
plt.show()
""",
}


def prepare(libraries: Sequence[str] = ()) -> None:
    """Load and warm everything that running cells needs, once, before processes are forked from this one.

    Parameters
    ----------
    libraries : sequence of str
        What the cells will import beside NumPy.
    """
    global _shell
    gc.disable()  # what is loaded stays: looking for garbage among it, again and again, is in vain
    _settle_words()
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "neutral"
    _Shell.display_pub_class.default_value = _Publisher
    _Shell.displayhook_class = _Hook  # type: ignore[assignment]
    _Shell.compiler_class = _Compiler  # type: ignore[assignment]
    _shell = _Shell.instance(config=config)
    _shell.input_transformer_manager = transformers = _Transformers()
    transformers.compiler = _shell.compile
    _shell.display_pub = _Publisher(parent=_shell, shell=_shell)
    for library in libraries:
        with contextlib.suppress(ImportError):  # which is for the notebook to hear
            importlib.import_module(library)
    for cell in (*_ERRORS, *(_USES[library] for library in libraries if library in _USES)):
        _shell.run_cell(cell, silent=True)
    gc.freeze()  # IPython collects in the middle of a reset, which is too early
    _shell.reset(new_session=True)
    gc.unfreeze()
    Stream.outputs = Outputs(0)
    gc.collect()
    gc.freeze()
    gc.enable()


class Notebook:
    """The notebook of this process.

    Parameters
    ----------
    most_output : int
        Bytes that all cells together may put out.
    """

    def __init__(self, most_output: int) -> None:
        Stream.outputs = Outputs(most_output)
        sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
        builtins.input = _no_input
        self.shell = _shell
        self.variables: Variables = _shell.user_ns
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(
        self,
        source: str,
        seconds: float,
        count: int,
        most: int | None = None,
        began: Callable[[], None] | None = None,
        *,
        brief: bool = False,
        testing: bool = False,
        shown: bool = True,
        waited: Callable[[], float] | None = None,
    ) -> tuple[ExecutionResult, list[Output]]:
        """Run one cell.

        Parameters
        ----------
        source : str
        seconds : float
            After which `CellTimeout` is raised in it, again and again.
        count : int
            The cell's number, as in ``In [1]``.
        most : int, optional
            How many of its statements to run; all by default.
        began : callable, optional
            Called before each statement.
        brief : bool
            Whether an exception is shown without its traceback, which takes most of a failed test's time.
        testing : bool
            Whether this is a test. One that reads what another program prints fails, also for the
            instructor's solution, so that a person decides; it could pass on nothing.
        shown : bool
            Whether anybody sees what the cell displays; otherwise no figure is rendered, nor anything else.
        waited : callable, optional
            Says how many seconds the cell has waited for a processor, which do not count; by default it
            asks for this process.

        Returns
        -------
        result : ExecutionResult
            IPython's, with the value of the last expression and the exception.
        outputs : list of dict
            As nbformat has them; an exception is always among them.
        """
        waited = waited or waited_for_processor
        self.shell.execution_count = count
        self.shell.most, self.shell.began = most, began
        self.shell.brief, self.shell.testing = brief, testing
        formats = self.shell.display_formatter
        assert formats is not None
        formats.active_types = formats.format_types if shown else []
        result: ExecutionResult | None = None
        error: BaseException | None = None
        try:
            with _deadline(seconds, waited):
                result = self.shell.run_cell(source, store_history=True)
        except BaseException as raised:  # one that came in the middle of IPython's own work
            error = raised
        if result is None:
            result = ExecutionResult(None)
            result.error_in_exec = error
        outputs = Stream.outputs.take()
        error = result.error_before_exec or result.error_in_exec
        if error is not None and not any(output["output_type"] == "error" for output in outputs):
            outputs.append(error_output(type(error).__name__, _text(error)))
        return result, outputs


@contextmanager
def _deadline(seconds: float, waited: Callable[[], float]) -> Iterator[None]:
    """Raise `CellTimeout` after some seconds, again and again; waiting for a processor does not count."""
    seconds = max(seconds, 0.001)
    before, until = waited(), time.monotonic() + seconds

    def alarm(*_: object) -> None:
        left = until + min(waited() - before, MOST_WAITING * seconds) - time.monotonic()
        if left > 0.05:
            signal.setitimer(signal.ITIMER_REAL, left, 1)
            return
        raise CellTimeout("the cell has run for too long")

    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def waited_for_processor(process: int | str = "self") -> float:
    """Say how many seconds a process, in its thread that has waited most, was ready and had no processor.

    It is 0 where the system does not say it.
    """
    return max((waited for _, waited in _schedule(process)), default=0.0)


def processor_time(process: int | str = "self") -> float:
    """Say how many seconds a process has had a processor."""
    return sum(used for used, _ in _schedule(process))


def _schedule(process: int | str) -> Iterator[tuple[float, float]]:
    try:
        threads = os.listdir(f"/proc/{process}/task")
    except OSError:
        return
    for thread in threads:
        with contextlib.suppress(OSError, ValueError):
            used, waited, _ = Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()
            yield int(used) / 1e9, int(waited) / 1e9


def _no_input(*_: object) -> NoReturn:
    raise NoInput("input() is not available while a notebook is graded")
