"""What the command line says in Chinese: all of it, and the same as in English."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from functools import cache

import pytest
from help_texts import file_of, whole_help
from prose import PACKAGE, texts_of

import babygpt as bg
from babygpt.cli.chinese import TEXTS
from babygpt.cli.chinese.typers import TYPERS
from babygpt.cli.commands.sweep import sweep
from babygpt.cli.language import VAGUE, choose_language, to_chinese
from babygpt.cli.main import PANELS, help_with

# What only Python comes upon: objects of one's own, models of others, a screen that has its own Chinese.
LIBRARY = {
    "chain/asking.py", "chain/causal_states.py", "chain/extract.py", "chain/information.py", "chain/ngram.py",
    "draw/__init__.py", "gpt/answers.py", "gpt/fast/stacked.py", "gpt/fast/supports.py", "gpt/given.py", "gpt/kinds.py",
    "gpt/model.py", "gpt/weights.py", "lab/hidden_markov.py", "lens/inside.py", "run/ensemble.py", "run/run.py",
    "studio/cell.py", "studio/chain_widget.py", "studio/commands.py", "studio/exports.py", "studio/knobs.py",
    "studio/notebook.py", "studio/session.py", "studio/setup.py", "studio/stage.py", "studio/uploads.py",
    "frames.py", "__init__.py",
}  # fmt: skip
NOT_SAID = (
    "studio/server/sessions.py",
    "studio/server/connection.py",
    "cli/chinese/",
)  # said by the screen; or Chinese
RAISED_ALONE = ("draw/", "studio/")  # what else they say, they draw or show

# The same in modules that the command line does use.
PYTHONS = (
    "A lookup needs at least", "A vocabulary is a text or", "The contexts are a list", "The contexts must all have",
    "The function answers", "The number of symbols", "The training sequence must be", "Some of the sequences",
    "Tokens are numbers from 0", "Tokens must be a flat", "Token {} is not in 0", "The GPT reads {} tokens",
    "compare takes", "connect(chain", "first_of takes", "from_corpus takes", "from_sequences takes",
    "from_source takes", "judge takes", "to_quantecon()", "In state {} the device", "{} is no start",
    "{} has {} tokens; here it is one", "{} is {}; here it is", "{} has numbers from", "of {}, of shape",
    "lists of several", "table has shape", "length={} is more", "The table has {} columns and",
    "A chain over {} symbols", "short_log_probs", "Row {} of", "{} is not a table of", "{} has shape {}; a chain",
    "all holds", "off: {}", "your own", "no decoding", "order {}", "mean of {} seeds", "{} nats per token, total",
    "nats", "probabilities, N", "order, −1", "on the data", "states that differ by", "This device is not finite",
    "The device starts in", "epsilon={}", "{} is no target", "A sequence is a text", "No parameter of this GPT",
    "The GPT answers with NumPy", "A vocabulary has an order", "seeds={} is no list", "There are no seeds",
    "This install",
)  # fmt: skip

# Texts that are the same in every language, or none: no words, a command to type, a name of Python's, part of a whole.
SAME = re.compile(
    r"(\W|\d|\{\}|U\+|babygpt [a-z-]+|input |bold red|tuple\[.*|\w+\(.*\)|RUN \[PAGE.html\]|\. Give the folder)*"
)


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if "chinese" not in path.parts)


def covered():
    for path in modules():
        name = path.relative_to(PACKAGE).as_posix()
        if name not in LIBRARY and not name.startswith(NOT_SAID):
            yield path, name


@pytest.mark.parametrize(("path", "name"), [pytest.param(path, name, id=name) for path, name in covered()])
def test_every_text_of_the_source_is_there_in_chinese(path, name):
    said = texts_of(path, only_raised=name.startswith(RAISED_ALONE))
    missing = [
        text for text in said if not text.startswith(PYTHONS) and not SAME.fullmatch(text) and not is_there(text)
    ]
    assert missing == []


def is_there(text):
    """Whether a text is there, or all its sentences are, or it is part of one that is."""
    if all(" ".join(part.split()) in known() or part.strip().startswith("babygpt") for part in text.split("\n\n")):
        return True
    chinese = to_chinese(text.replace("{}", "7"))
    parts = [part for key in known() for part in (key, *key.split("{}"))]
    return not re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", chinese) or any(text.strip() in part for part in parts)


@cache
def known():
    return {" ".join(key.split()) for key in TEXTS}


@cache
def said_anywhere():
    """All that the package's source has between quotes, without what parts it."""
    found = []
    for path in modules():
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        found += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return " ".join(" ".join(text.split()) for text in found)


def test_no_chinese_for_what_nobody_says():
    pieces = [
        sentence.strip(" .,;:?")
        for english in TEXTS.keys() - TYPERS.keys() - {text for path in modules() for text in texts_of(path)}
        for piece in english.split("{}")
        for sentence in re.split(r"(?<=[.:;,]) ", " ".join(piece.split()))
    ]
    assert [piece for piece in pieces if piece not in said_anywhere()] == []


def test_each_value_is_in_the_chinese_too():
    lost = {}
    for english, chinese in TEXTS.items():
        before = english.split("{}")[:-1]
        # not the ending of a plural
        spare = {i for i, piece in enumerate(before) if re.search(r"[a-zA-Z]$", piece)}
        if not set(range(len(before))) - spare <= set(holes(chinese)) <= set(range(len(before))):
            lost[english] = chinese
    assert lost == {}


def test_chinese_has_chinese_punctuation():
    assert [text for text in TEXTS.values() if re.search(r"[\u4e00-\u9fff] ?[,;!?](?! ?[\w'])", text)] == []


def test_each_is_recognised_whatever_its_values():
    taken = {}
    for english, chinese in TEXTS.items():
        count = english.count("{}")
        if len(english.replace("{}", "")) < VAGUE or "%" in english:
            continue
        values = [f"v{i}" for i in range(count)]
        filled = english.replace("{}", "%s") % tuple(values) if count else english
        expected = re.sub(r"\{\d*\}", "%s", chinese) % tuple(values[i] for i in holes(chinese)) if count else chinese
        if to_chinese(filled.strip()) != expected.strip():
            taken[english] = to_chinese(filled)
    assert taken == {}


def holes(chinese):
    return [int(hole) if hole else i for i, hole in enumerate(re.findall(r"\{(\d*)\}", chinese))]


def test_every_paragraph_of_the_help_is_there_in_chinese():
    commands = [command for panel in PANELS.values() for command in panel]
    commands += [command.callback for command in sweep.registered_commands] + [help_with]
    paragraphs = [" ".join(part.split()) for command in commands for part in inspect.getdoc(command).split("\n\n")]
    assert [part for part in paragraphs if not part.startswith("babygpt") and part not in known()] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_help_is_as_it_was_last_read_through(language):
    # python tests/helpers/help_texts.py writes it anew
    assert whole_help(language) == file_of(language).read_text("utf-8")


# -- as one uses it ----------------------------------------------------------------------------------------


def babygpt(*arguments, cwd, **environment):
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "BABYGPT"))}
    return subprocess.run(
        [sys.executable, "-m", "babygpt", *arguments],
        cwd=cwd,
        env=plain | {"COLUMNS": "100", "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize("environment", [{"LANG": "zh_CN.UTF-8"}, {"BABYGPT_LANG": "zh"}, {"LC_ALL": "zh_TW.UTF-8"}])
def test_a_chinese_system_is_spoken_to_in_chinese(tmp_path, environment):
    trained = babygpt("train", "111101111011110", "--out", "run", cwd=tmp_path, **environment)
    assert trained.returncode == 0
    assert "12 个样本 · 8 个上下文中出现了 4 个 · 12,656 个参数" in trained.stderr
    assert "训练记录：run" in trained.stderr
    assert "input [1, 0, 1] ---> [0.207145, 0.792855]" in trained.stdout  # numbers are for all


def test_lang_may_stand_anywhere_and_outdoes_the_system(tmp_path):
    first = babygpt("--lang", "zh", "sizes", cwd=tmp_path)
    assert first.stdout == babygpt("sizes", "--lang=zh", cwd=tmp_path).stdout
    assert "字节" in first.stdout
    assert "bytes" in babygpt("sizes", "--lang", "en", cwd=tmp_path, LANG="zh_CN.UTF-8").stdout
    refused = babygpt("sizes", "--lang", "fr", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.strip()) == (
        2,
        "error: --lang fr is no language of the command line. It speaks en and zh.",
    )


def test_mistakes_are_told_in_chinese(tmp_path):
    for arguments, said in (
        (["train", "1111"], "错误：序列里只有 '1'"),
        (["train", "0110", "--context", "30"], "--context 30 至少需要 31 个"),
        (["train", "0110110", "--width", "15"], "宽度 --width 15 不能由 --heads 4 个头平分。可以试试 --width 16。"),
        (["train", "0110", "--steps", "x"], "'--steps' 的值不对：应是整数"),
        (["chain"], "缺少参数 'RUN'。"),
        (["chain", "nosuch"], "nosuch 处没有训练记录。"),
        (["trian", "0110"], "没有 trian 这个命令。是不是想用：babygpt train 0110"),
        (["sample", "--start"], "选项 '--start' 需要一个值。"),
    ):
        done = babygpt(*arguments, cwd=tmp_path, BABYGPT_LANG="zh")
        assert done.returncode == 2, arguments
        assert said in done.stderr


def test_what_programs_read_is_the_same_in_both_languages(tmp_path):
    babygpt("train", "0110110", "--context", "2", "--out", "run", cwd=tmp_path)
    for arguments in (["chain", "run", "-f", "json"], ["analyse", "run", "--json"], ["runs", ".", "-f", "csv"]):
        assert babygpt(*arguments, cwd=tmp_path).stdout == babygpt(*arguments, cwd=tmp_path, BABYGPT_LANG="zh").stdout


def test_the_pages_own_language_is_heeded_too():
    assert choose_language(["export", "run", "page.html", "--lang", "zh"], {}) == (
        "zh",
        ["export", "--lang", "zh", "run", "page.html"],
    )
    assert choose_language(["train", "--", "--lang"], {"LANG": "de_DE"}) == ("en", ["train", "--", "--lang"])
    with pytest.raises(bg.SettingError, match="BABYGPT_LANG de"):
        choose_language([], {"BABYGPT_LANG": "de"})
