"""A command run in this process: starting one takes longer than most of them do."""

import contextlib
import io
from pathlib import Path

from purveyor.cli.main import main
from tests.workbench.command import Ran


def here(*arguments: str | Path) -> Ran:
    """The command line with its exit code and its words."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([*map(str, arguments)])
        except SystemExit as ended:
            return Ran(int(ended.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("The command line ends with an exit code.")
