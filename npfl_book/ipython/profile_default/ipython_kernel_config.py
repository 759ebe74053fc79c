"""The kernels of build and tests: without the user's start-up files and without history."""

import gc

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (IPython defines it)

# Not `enabled = False`: a kernel without its history's thread ends later, after threads that it waits for.
c.HistoryManager.hist_file = ":memory:"
# Kernels on this machine are not encrypted, and each would say so on the terminal.
c.IPKernelApp.log_level = 40

# A figure is thousands of objects that refer to each other: looking for those to throw away each time that
# 700 have been made takes a sixth of the time of a chapter with sliders.
gc.set_threshold(100_000, 50, 50)
