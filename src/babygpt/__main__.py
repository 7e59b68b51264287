"""``python -m babygpt`` is ``babygpt``."""

from babygpt.cli.main import program

program()
