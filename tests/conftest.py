"""Settings of all tests: hypothesis draws the same examples in every run, and never fails for being slow."""

from hypothesis import settings

settings.register_profile("npfl", derandomize=True, deadline=None)
settings.load_profile("npfl")

# Scripts, run by hand: they hold no doctests, and some import modules that only lie beside them.
collect_ignore = ["fuzz", "golden", "mutation"]
