"""The kernels of build and tests: without the user's start-up files and without history."""

c = get_config()  # noqa: F821 (IPython defines it)

c.HistoryManager.enabled = False
# Kernels on this machine are not encrypted, and each would say so on the terminal.
c.IPKernelApp.log_level = 40
