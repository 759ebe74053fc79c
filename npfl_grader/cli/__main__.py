"""Run the command line as `python -m npfl_grader.cli`."""

from npfl_grader.cli.app import app

app()
