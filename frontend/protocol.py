"""Writes src/protocol.generated.ts from babygpt.studio.commands and babygpt.studio.protocol, and the page's facts.

python protocol.py writes both; python protocol.py --check says whether the files there are what it would write.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import facts
from typing_extensions import Doc, is_typeddict

from babygpt.studio import protocol
from babygpt.studio.commands import COMMANDS, Command
from babygpt.studio.links import Source, Subject

FILE = Path(__file__).parent / "src" / "protocol.generated.ts"
HEAD = "// Written by make protocol from studio/commands.py and studio/protocol.py: change those.\n"

PLAIN = {int: "number", float: "number", str: "string", bool: "boolean", NoneType: "null", Any: "unknown"}
# The types that have a name of their own in TypeScript too.
NAMED = {"Packed": protocol.Packed, "Source": Source, "Subject": Subject, "Standing": protocol.Standing}


def typescript() -> str:
    """Return the whole file."""
    writer = Writer()
    views = writer.type(protocol.Views)
    assert views == "Views"
    commands = [writer.command(name, kind, last=name == list(COMMANDS)[-1]) for name, kind in COMMANDS.items()]
    aliases = [
        f"{_doc(protocol, name)}export type {name} = {'string' if hint is protocol.Packed else writer.union(hint)};\n"
        for name, hint in NAMED.items()
    ]
    union = "export type Command =\n" + "\n".join(commands) + "\n"
    return "\n".join([HEAD, *aliases, *writer.interfaces.values(), union])


class Writer:
    """Writes types, and remembers the interfaces that they need."""

    def __init__(self) -> None:
        self.interfaces: dict[str, str] = {}

    def type(self, hint: Any) -> str:
        """Return a type as TypeScript writes it."""
        for name, named in NAMED.items():
            if hint == named:
                return name
        if hint in PLAIN:
            return PLAIN[hint]
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._annotated(args[0], args[1:])
        if origin in (Union, UnionType, Literal):
            return self.union(hint)
        if origin is list:
            inner = self.type(args[0])
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        if origin is tuple:
            return f"[{', '.join(map(self.type, args))}]"
        if origin is dict:
            return f"Record<{self.type(args[0])}, {self.type(args[1])}>"
        if is_typeddict(hint) or is_dataclass(hint):
            return self._interface(hint)
        raise TypeError(f"{hint!r} has no TypeScript here. Write it, or use a type that has.")

    def _annotated(self, inner: Any, notes: tuple[Any, ...]) -> str:
        for note in notes:
            if is_dataclass(note) and isinstance(note, type):  # the dictionary is this dataclass's
                return self._interface(note)
            if isinstance(note, int):  # a list of that length
                return f"[{', '.join([self.type(get_args(inner)[0])] * note)}]"
        return self.type(inner)

    def union(self, hint: Any) -> str:
        """Return a union, each of its members once."""
        if get_origin(hint) is Literal:
            return " | ".join(f'"{word}"' for word in get_args(hint))
        return " | ".join(dict.fromkeys(map(self.type, get_args(hint))))

    def _interface(self, kind: type) -> str:
        if kind.__name__ not in self.interfaces:
            self.interfaces[kind.__name__] = ""  # takes its place before those that it needs
            hints = get_type_hints(kind, include_extras=True)
            before, beside = _comments(kind)
            lines = [line for name, hint in hints.items() for line in self._field(name, hint, before, beside)]
            doc = f"/** {_first_line(kind)} */\n"
            self.interfaces[kind.__name__] = f"{doc}export interface {kind.__name__} {{\n" + "\n".join(lines) + "\n}\n"
        return kind.__name__

    def _field(self, name: str, hint: Any, before: dict[str, str], beside: dict[str, str]) -> list[str]:
        doc = [note.documentation for note in get_args(hint)[1:] if isinstance(note, Doc)]
        comment = beside.get(name) or (doc[0] if doc and hint != protocol.Packed else "")
        above = [f"  /** {before[name]} */"] if name in before else []
        return [*above, f"  {name}: {self.type(hint)};" + (f" // {comment}" if comment else "")]

    def command(self, name: str, kind: type[Command], last: bool) -> str:
        """Return a command as a member of the union of all."""
        parts = [f'command: "{name}"']
        hints = get_type_hints(kind, include_extras=True)
        for part, field in kind.model_fields.items():
            parts.append(f"{part}{'' if field.is_required() else '?'}: {self.type(hints[part])}")
        told = f"{{ {'; '.join(parts)} }}"
        if kind.settings_of is not None:
            told = f"({told} & Partial<{self._interface(kind.settings_of)}>)"
        return f"  | {told}{';' * last} // {_first_line(kind)}"


def _first_line(kind: type) -> str:
    first = (inspect.getdoc(kind) or "").split("\n\n")[0]
    return re.sub(r":\w+:`", "`", first.replace("\n", " ").replace("``", "`"))


def _comments(kind: type) -> tuple[dict[str, str], dict[str, str]]:
    """Return the comments of the fields of a class, those above and those beside, by the fields' names."""
    before, beside, above = {}, {}, []
    for line in inspect.getsource(kind).splitlines():
        if alone := re.match(r"    # (.*)$", line):
            above.append(alone[1])
            continue
        if field := re.match(r"    (\w+): .*?(?:  # (.*))?$", line):
            if above:
                before[field[1]] = " ".join(above)
            if field[2]:
                beside[field[1]] = field[2]
        above = []
    return before, beside


def _doc(module: Any, name: str) -> str:
    """Return the comment above a name of a module."""
    found = re.search(rf"((?:^# .*\n)+){name} = ", inspect.getsource(module), re.MULTILINE)
    return "/** " + " ".join(line[2:] for line in found[1].splitlines()) + " */\n" if found else ""


if __name__ == "__main__":
    for file, written in ((FILE, typescript()), (facts.FILE, facts.typescript())):
        if "--check" not in sys.argv:
            file.write_text(written, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != written:
            sys.exit(f"{file.name} is not what the Python it is made from declares: run make protocol.")
