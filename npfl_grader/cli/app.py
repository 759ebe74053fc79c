"""The command ``npfl-grader``: one file a command."""

import typer

from npfl_grader.cli import (
    autograde,
    check,
    collect,
    course,
    extend,
    feedback,
    insights,
    publish,
    release,
    table,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The command ``npfl-grader``.",
)
app.command()(release.release)
app.command()(course.course)
app.command()(table.table)
app.command()(extend.extend)
app.command()(check.check)
app.command()(autograde.autograde)
app.command()(feedback.feedback)
app.command()(collect.collect)
app.command()(publish.publish)
app.command()(insights.insights)
