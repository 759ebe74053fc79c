"""What holds for every public name: its docstring says and shows what it is, a wrong call gets one line."""

import enum
import importlib
import inspect
import pkgutil
import re

import pytest

import npfl


def names(module):
    """Return what a module lists as public, or else defines itself."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == module.__name__
    ]


MODULES = [m.name for m in pkgutil.iter_modules(npfl.__path__, "npfl.") if not m.name.startswith("npfl._")]
PUBLIC = [(module, name) for module in MODULES for name in names(importlib.import_module(module))]


def get(module, name):
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_docstring_says_and_shows(module, name):
    docstring = inspect.getdoc(get(module, name))
    assert docstring.splitlines()[0].endswith("."), "the first line is a sentence"
    assert "Examples\n--------\n>>> " in docstring, "an example is missing"


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_arguments_are_described(module, name):
    thing, home = get(module, name), importlib.import_module(module)
    if inspect.isclass(thing) and issubclass(thing, enum.Enum):
        return
    texts = [
        inspect.getdoc(base) or "" for base in (inspect.getmro(thing) if inspect.isclass(thing) else [thing])
    ]
    texts.append(home.__doc__)
    # What is shared is described once, and referred to.
    texts += [inspect.getdoc(getattr(home, other, None)) or "" for other in re.findall(r"`(\w+)`", texts[0])]
    for argument in inspect.signature(thing).parameters:
        assert re.search(rf"\b{argument}\b", "\n".join(texts)), f"{argument} is not described"
