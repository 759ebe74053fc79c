"""The learning management systems, one file each; `npfl_grader.lms.system` says what is in it."""

from pkgutil import iter_modules


def names() -> list[str]:
    """Name the systems, without importing them."""
    return sorted(module.name for module in iter_modules(__path__))
