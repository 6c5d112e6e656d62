"""entry_points.txt: the commands that installers write into a directory on people's PATH (PyPUG "Entry points")."""

import configparser
import re

from purveyor.formats.inspection import Inspection, shown

_SCRIPTS = ("console_scripts", "gui_scripts")
# The name becomes a file name: `../` in it would write elsewhere.
_BAD_NAME = re.compile(r"[/\\\x00-\x1f\x7f]|\A\.+\Z|\A\Z")


def check_entry_points(data: bytes, inspection: Inspection) -> None:
    """Complains of a file that cannot be read, and of a command whose name is a path."""
    # As installers read it: names keep their case, ':' is part of the value, the last of two equal names wins.
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(data.decode())
    except (UnicodeDecodeError, configparser.Error):
        inspection.complain("entry_points.txt is not an INI file in UTF-8.")
        return
    for section in filter(parser.has_section, _SCRIPTS):
        for name in parser.options(section):
            if _BAD_NAME.search(name):
                inspection.complain(f"entry_points.txt has a command named {shown(name)}, which is not a plain file name.")
