"""The reference, made of the program: each command's help, in its language, and the docstrings of the library."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

import typer.main

import babygpt
from babygpt.cli.language import to_chinese
from babygpt.cli.main import app
from babygpt.lab import sources
from babygpt.settings import SCREEN, SETTINGS

COMMANDS = {"en": "The command line", "zh": "命令行"}
LANGUAGE_OF_DOCSTRINGS = {"en": "", "zh": "这里的说明来自程序的文档字符串，均为英文。\n"}
OPTION = {"en": ("option", "what for", "default"), "zh": ("选项", "用途", "默认")}
FIRST = {
    "en": "`babygpt --help` and `babygpt COMMAND --help` say the same; this page is made of their texts.",
    "zh": "`babygpt --help` 和 `babygpt 命令 --help` 说的与此相同；本页由同样的文字生成。",
}


@dataclass(frozen=True)
class Part:
    """A page of the library: its title in each language, and the public names on it."""

    en: str
    zh: str
    names: tuple[str, ...]


ERRORS = tuple(name for name in babygpt.__all__ if name.endswith(("Error", "Warning")))
PARTS = {
    "model": Part(
        "The model and its data", "模型与数据", ("GPT", "GPTConfig", "TrainConfig", "Vocabulary", "Corpus", "fit")
    ),
    "run": Part("A training", "一次训练", ("train", "Run", "Ensemble")),
    "chain": Part("The chain", "链", ("MarkovChain", "context_table", "InputDevice", "connect")),
    "lab": Part(
        "Many trainings",
        "许多次训练",
        ("study", "SeedStudy", "attribute", "Attribution", "sweep", "Sweep", "judge", "Judgement", "Source"),
    ),
    "notebook": Part("In a notebook", "在笔记本里", ("Studio",)),
    "errors": Part("What can go wrong", "错误", ERRORS),
}
# Classes whose bases are of other libraries, or say little: their own members will do.
OWN_MEMBERS = {"GPT", "Studio", "GPTConfig", "TrainConfig"}


NAMES = {
    "en": "Some settings have a shorter name here than in Python, in sweeps and in links; in `GPTConfig` the context "
    "length is `block_size`:",
    "zh": "有些设置在这里的名称比在 Python、扫描和链接里短；`GPTConfig` 里上下文长度叫 `block_size`：",
}


def commands(language: str) -> str:
    """Return the page of the command line."""
    said = to_chinese if language == "zh" else str
    root: Any = typer.main.get_command(app)
    parts = [f"# {COMMANDS[language]}\n", FIRST[language] + "\n", NAMES[language] + "\n"]
    parts.append(f"| {OPTION[language][0]} | Python | {OPTION[language][1]} |\n|---|---|---|")
    parts += [
        f"| `--{setting.option}` | `{name}` | {said(setting.help)} |"
        for name, setting in SETTINGS.items()
        if setting not in SCREEN and setting.option != name.replace("_", "-")
    ]
    parts.append("")
    for name, command in root.commands.items():
        parts += _command(f"babygpt {name}", command, language, said)
        parts += [
            part
            for inner, each in getattr(command, "commands", {}).items()
            for part in _command(f"babygpt {name} {inner}", each, language, said)
        ]
    return "\n".join(parts)


def _command(name: str, command: Any, language: str, said: Any) -> list[str]:
    parts = [f"## {name}\n"]
    for paragraph in (command.help or "").split("\n\n"):
        text = " ".join(paragraph.split())
        parts.append(f"```text\n{text}\n```\n" if text.startswith("babygpt") else f"{said(text)}\n")
    rows = [_row(param, said) for param in command.params if "--help" not in param.opts]
    if rows:
        parts.append("| " + " | ".join(OPTION[language]) + " |\n|---|---|---|")
        parts += [*rows, ""]
    return parts


def _row(param: Any, said: Any) -> str:
    names = [*param.opts, *param.secondary_opts]
    if param.param_type_name == "argument":
        names = [param.metavar or param.name.upper()]
    shown = param.show_default if isinstance(param.show_default, str) else param.default
    default = "" if shown in (None, False, ...) or callable(shown) else said(str(getattr(shown, "value", shown)))
    cells = (", ".join(f"`{name}`" for name in names), said(param.help or ""), default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def python(language: str) -> dict[str, str]:
    """Return the pages of the library, by name."""
    pages = {f"python-{name}": _part(part, language) for name, part in PARTS.items()}
    pages["python-lab"] += _rst([f".. autofunction:: babygpt.lab.sources.{name}" for name in _makers()])
    return pages


def _makers() -> list[str]:
    return [name for name in sources.__all__ if isinstance(getattr(sources, name), FunctionType)]


def _part(part: Part, language: str) -> str:
    title = part.zh if language == "zh" else part.en
    return f"# {title}\n\n{LANGUAGE_OF_DOCSTRINGS[language]}\n" + _rst(list(map(_directive, part.names)))


def _directive(name: str) -> str:
    thing = getattr(babygpt, name)
    if not isinstance(thing, type):
        return f".. autofunction:: babygpt.{name}"
    if issubclass(thing, Exception):
        return f".. autoexception:: babygpt.{name}\n   :no-members:"
    inherited = "" if name in OWN_MEMBERS else "\n   :inherited-members: object"
    return f".. autoclass:: babygpt.{name}\n   :members:{inherited}"


def _rst(directives: list[str]) -> str:
    return "\n".join(f"```{{eval-rst}}\n{directive}\n```\n" for directive in directives)
