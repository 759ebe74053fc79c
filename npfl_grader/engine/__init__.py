"""Run a submission: the student's code in a sandbox, the tests outside it, two processes for each submission.

`execute` is a pure function from a job to a result, both UTF-8 JSON, so that any executor can run it.

The job::

    {"cells": [{"id": ..., "role": "locked" | "student" | "test" | "text", "source": ...,
                "brief": whether errors are shown without traceback}, ...],
     "limits": {"cell": s, "call": s, "notebook": s,
                "memory": bytes, "processes": n, "output": bytes, "file": bytes},
     "files": {"name": base64, ...},          # for both sides
     "student_files": {"name": base64, ...},  # for the student's alone
     "require": "full" | "landlock" | "none",
     "engine": "two-process" | "together" | "kernel"}

The result::

    {"level": ..., "seconds": ..., "fault": null | "why",
     "cells": [{"id": ..., "status": "ok" | "error" | "timeout" | "crash" | "fault" | "skipped",
                "outputs": [...], "execution_count": ..., "value": ...,
                "raised": "test" | "student"}, ...]}
"""

from npfl_grader.engine.host.worker import Broken, execute, level, probe

__all__ = ["Broken", "execute", "level", "probe"]
