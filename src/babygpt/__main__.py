"""``python -m babygpt`` is ``babygpt``."""

from babygpt.app.cli import main

main()
