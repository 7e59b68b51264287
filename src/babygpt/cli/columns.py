"""Labels and their values, side by side, at any width: no value is parted from what it is the value of.

A *value* is a sentence, which is wrapped between words, or *items*, such as ``111 0.2712``, which are wrapped between
items. An item that is longer than a line is folded before its last word, its number, and something stays beside that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

# A sentence, or lines of items; where all items fit on one line, they are put there.
Value = str | Sequence[Sequence[str]]
# A section: its title, and its labels with their values.
Section = tuple[str, Sequence[tuple[str, Value]]]

# Between a label and its value, and between items.
GAP, BETWEEN = "  ", "   "
# A longer label than this is folded, or sticks out where lines have no end.
MAX_LABEL = 34
# Where a terminal is narrow, this much of it is for values, or two thirds of it.
MIN_VALUE = 26
# Lines of this many columns have no end: standard output is no terminal.
ENDLESS = 10_000


def side_by_side(sections: Sequence[Section], width: int) -> Iterator[Text]:
    """Yield the lines of a table that is at most ``width`` columns wide, titles in bold."""
    labels = [f"  {label}" for _, rows in sections for label, _ in rows]
    left = min(max(map(cell_len, labels), default=0), MAX_LABEL, max(width - MIN_VALUE, width // 3, 3))
    right = max(width - left - len(GAP), 1)
    for i, (title, rows) in enumerate(sections):
        if i:
            yield Text()
        for line in _sentence(title, width):
            yield Text(line, style="bold")
        for label, value in rows:
            names = [f"  {label}"] if width >= ENDLESS else [f"  {part}" for part in _sentence(label, left - 2)]
            told = _sentence(value, right) if isinstance(value, str) else _items(value, right)
            for row in range(max(len(names), len(told))):
                name, shown = (cells[row] if row < len(cells) else "" for cells in (names, told))
                yield Text(f"{name}{' ' * (left - cell_len(name))}{GAP}{shown}".rstrip())


def _sentence(text: str, width: int) -> list[str]:
    lines = Text(text).wrap(Console(width=width), width, overflow="fold")
    return [line.plain.rstrip() for line in lines] or [""]


def _items(groups: Sequence[Sequence[str]], width: int) -> list[str]:
    whole = BETWEEN.join(item for group in groups for item in group)
    if cell_len(whole) <= width:
        return [whole]
    lines: list[str] = []
    for group in groups:
        lines.append("")
        for item in group:
            together = f"{lines[-1]}{BETWEEN}{item}" if lines[-1] else item
            if cell_len(together) <= width:
                lines[-1] = together
                continue
            folded = _folded(item, width)
            lines[-1:] = [lines[-1], *folded] if lines[-1] else folded
    return lines


def _folded(item: str, width: int) -> list[str]:
    """Return an item in lines, its last word never alone."""
    if cell_len(item) <= width:
        return [item]
    name, _, number = item.rpartition(" ")
    room = width - cell_len(number) - 1
    if not name or room < 1:
        return chop_cells(item, width)
    *before, last = chop_cells(name, width)
    if cell_len(last) > room:
        end = len(last) - 1
        while cell_len(last[end:]) < room and cell_len(last[end - 1 :]) <= room:
            end -= 1
        before, last = [*before, last[:end]], last[end:]
    return [*(part.strip() for part in before), f"{last.strip()} {number}"]
