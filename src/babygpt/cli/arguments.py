"""The argument of the commands that train, told apart from options: a text may begin with a dash, and has blanks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from babygpt.cli.meant import Command
from babygpt.errors import SettingError

# "-1 +1 -1", "-+-", "--0", "- a": dashes and no letter, as no option is written.
_NO_OPTION = re.compile(r"-+[^A-Za-z-]|---")


class LearnsOne(Command):
    """A command with one argument, SEQUENCE, which may begin with a dash: no option does with a sign or a digit."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line, the texts among it after ``--``.

        Raises
        ------
        SettingError
            There is more than one text.
        """
        options, texts, unknown = self._parted(args)
        if unknown:  # then what follows it may be its value
            return super().parse_args(ctx, args)
        if len(texts) > 1:
            raise SettingError(_advice(self.name or "train", options, texts))
        return super().parse_args(ctx, [*options, "--", *texts] if texts else options)

    def _parted(self, args: list[str]) -> tuple[list[str], list[str], bool]:
        """Return the options with their values; the rest, which are texts; and whether an option is unknown."""
        takes_value = {
            name: not (getattr(param, "is_flag", False) or getattr(param, "count", False))
            for param in self.params
            if param.param_type_name == "option"
            for name in (*param.opts, *param.secondary_opts)
        }
        options: list[str] = []
        texts: list[str] = []
        unknown = False
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                texts += rest
            elif arg == "-" or not arg.startswith("-") or self._is_text(arg, takes_value):
                texts.append(arg)
            else:
                options.append(arg)
                unknown |= arg.partition("=")[0] not in takes_value
                if takes_value.get(arg, False):
                    options += [value for value in [next(rest, None)] if value is not None]
        return options, texts, unknown

    @staticmethod
    def _is_text(arg: str, known: dict[str, bool]) -> bool:
        """Whether what begins with a dash is a text: it is written as no option, or as words of which none is one."""
        return _NO_OPTION.match(arg) is not None or (
            " " in arg and not arg.startswith("--") and not any(arg.startswith(name) for name in known)
        )


def _advice(command: str, options: list[str], texts: list[str]) -> str:
    said = f"{command} learns from one text, and got {len(texts)}: {' '.join(map(shlex.quote, texts[:5]))}"
    said += " …" if len(texts) > 5 else "."
    if all(Path(text).is_file() for text in texts):
        files = " ".join(map(shlex.quote, texts))
        return f"{said} To read the files one after the other: cat {files} | {_call(command, ['-', *options])}"
    return f"{said} A text with blanks takes quotes: {_call(command, [_quoted(' '.join(texts)), *options])}"


def _call(command: str, parts: list[str]) -> str:
    first, *options = parts
    return " ".join(["babygpt", command, first, *map(shlex.quote, options)])


def _quoted(text: str) -> str:
    return f'"{text}"' if re.fullmatch(r'[^"$`\\!]*', text) else shlex.quote(text)
