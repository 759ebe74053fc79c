"""Which code can run in the browser: by what it imports, and by the code that brings it names."""

import ast
import re
import symtable
import sys
from collections.abc import Iterable, Sequence, Set

# What a page calls the packages that a chapter may import.
NAMES = {"numpy": "NumPy", "matplotlib": "Matplotlib", "scipy": "SciPy", "sklearn": "scikit-learn"}
NAMES["_data"] = "the results of long trainings"  # in chapters/_data
# All of npfl needs NumPy, and these modules of it draw.
DRAW = re.compile(r"npfl\.(figures|explore)\b")


def lacking(codes: Sequence[str], modules: Set[str]) -> list[str]:
    """Tell for each of some cells, which run one after the other, what keeps it from running.

    Parameters
    ----------
    codes : sequence of str
        The code of the cells.
    modules : set of str
        What can be imported beside Python's own modules.

    Returns
    -------
    list of str
        For each cell the name of a module that it lacks, or that a cell lacks which brings it a name; empty
        where it runs.

    Examples
    --------
    >>> lacking(["import numpy as np", "a = 2", "np.array(a)", "a + 1"], set())
    ['numpy', '', 'numpy', '']
    """
    brought: dict[str, int] = {}
    found: list[str] = []
    for code in codes:
        try:
            missing = [name for name in imports(code) if name not in modules | sys.stdlib_module_names]
            table = symtable.symtable(code, "cell", "exec")
        except SyntaxError:  # such as IPython's own commands; running it tells
            found.append("")
            continue
        own = {symbol.get_name() for symbol in table.get_symbols() if is_bound(symbol)}
        before = [found[brought[name]] for name in sorted(used(table) - own) if name in brought]
        found.append(next(filter(None, [*missing, *before]), ""))
        brought |= dict.fromkeys(own, len(found) - 1)
    return found


def imports(code: str) -> Iterable[str]:
    """Return the modules that some code imports, each without its parts."""
    for node in ast.walk(ast.parse(code)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("npfl."):
                yield "numpy"
                if DRAW.match(name):
                    yield "matplotlib"
            yield name.partition(".")[0]


def is_bound(symbol: symtable.Symbol) -> bool:
    """Tell whether a cell gives this name a value."""
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def used(table: symtable.SymbolTable) -> set[str]:
    """Return the names that a cell, with its functions, takes from outside."""
    top = table.get_type() == "module"
    names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return names.union(*map(used, table.get_children()))
