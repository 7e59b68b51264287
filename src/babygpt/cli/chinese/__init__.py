"""What the command line says in Chinese, by what it says in English: ``{}`` is a value, ``{1}`` the second of them."""

from babygpt.cli.chinese.errors import ERRORS
from babygpt.cli.chinese.help import HELP
from babygpt.cli.chinese.many import MANY
from babygpt.cli.chinese.output import OUTPUT
from babygpt.cli.chinese.readings import READINGS
from babygpt.cli.chinese.typers import TYPERS

TEXTS: dict[str, str] = {**HELP, **OUTPUT, **READINGS, **ERRORS, **MANY, **TYPERS}
