"""Every public name says what it is, shows it, and says where it comes from."""

import importlib
import inspect
import pkgutil

import pytest

import npfl

MODULES = [
    m.name for m in pkgutil.walk_packages(npfl.__path__, "npfl.") if not m.name.split(".")[-1].startswith("_")
]
PUBLIC = [
    (module, name)
    for module in MODULES
    if not module.startswith("npfl.explore.") or module == "npfl.explore.explorer"
    for name, thing in vars(importlib.import_module(module)).items()
    if not name.startswith("_")
    and (inspect.isfunction(thing) or inspect.isclass(thing))
    and thing.__module__ == module
]


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_docstring_is_whole(module, name):
    thing = getattr(importlib.import_module(module), name)
    docstring = inspect.getdoc(thing)
    assert docstring.splitlines()[0].endswith("."), "the first line is a sentence"
    for section in ("Examples\n--------\n>>> ", "References\n----------\n"):
        assert section in docstring, f"{section.splitlines()[0]} is missing"
