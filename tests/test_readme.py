"""What the READMEs show is run, so that it stays true."""

from __future__ import annotations

import doctest
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from babygpt.cli.main import app

ROOT = Path(__file__).parents[1]
READMES = [ROOT / name for name in ("README.md", "README.zh-CN.md") if (ROOT / name).exists()]
SVG = "{http://www.w3.org/2000/svg}"

each_readme = pytest.mark.parametrize("readme", READMES, ids=[path.name for path in READMES])


def blocks(readme, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", readme.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def commands(readme):
    lines = [shlex.split(line, comments=True) for block in blocks(readme, "sh") for line in block.splitlines()]
    return [line for line in lines if line and line[0] == "babygpt"]


def babygpt(*arguments):
    env = {"FORCE_COLOR": None, "NO_COLOR": None, "COLUMNS": None}
    return CliRunner(env=env).invoke(app, arguments, catch_exceptions=False)


@each_readme
def test_python_shows_what_it_says(readme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner, names = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF), {}
    for number, block in enumerate(blocks(readme, "python")):
        test = doctest.DocTestParser().get_doctest(block, names, f"{readme.name}[{number}]", str(readme), 0)
        assert test.examples
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.tries > 5
    assert runner.failures == 0


@pytest.mark.slow
@each_readme
def test_commands_run_one_after_another(readme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = commands(readme)
    assert {line[1] for line in lines} == {
        "train",
        "chain",
        "export",
        "sample",
        "analyse",
        "input-devices",
        "runs",
        "compare",
        "check",
        "sizes",
        "reproduce",
    }
    for line in lines:
        result = babygpt(*line[1:])
        assert result.exit_code == 0, (line, result.output)
    for line in lines:  # and what they say they write is there
        if "--out" in line:
            assert Path(line[line.index("--out") + 1]).exists()


@each_readme
def test_the_table_is_the_one_that_make_run_prints(readme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"^run:.*\n\t\$\(BIN\)/babygpt (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    printed = babygpt(*shlex.split(command)).stdout
    (shown,) = blocks(readme, "text")
    assert [line.split() for line in shown.splitlines()] == [line.split() for line in printed.splitlines()]
    folder = command.split("--out ")[1].split()[0]
    assert f"`{folder}`" in readme.read_text("utf-8")
    for name in ("chain.svg", "losses.svg"):
        assert (tmp_path / folder / name).exists()


@each_readme
def test_inline_commands_have_options_that_exist(readme):
    inline = re.findall(r"`babygpt ([a-z]+)([^`]*)`", readme.read_text("utf-8"))
    assert inline
    for command, rest in inline:
        text = babygpt(command, "--help").stdout
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in text


@each_readme
def test_links_lead_somewhere(readme):
    links = re.findall(r"\]\(([^)\s]+)\)", readme.read_text("utf-8"))
    local = [link for link in links if "://" not in link]
    assert len(local) >= 4
    for link in local:
        assert (readme.parent / link.split("#")[0]).exists(), link


@each_readme
def test_the_numbers_to_expect_are_measured(readme, article_run):
    text = readme.read_text("utf-8")
    chain, losses = article_run.chain, article_run.losses
    assert f"{article_run.config.n_parameters:,}" in text
    for loss in (losses[0], losses[1], losses[49]):
        assert f"{loss:.6f}" in text
    for context, token in (("101", "1"), ("111", "1"), ("111", "0"), ("000", "1")):
        assert re.search(rf"{100 * chain[context][token]:.0f} ?%", text)


@pytest.mark.skipif(len(READMES) < 2, reason="there is no Chinese README")
def test_both_languages_show_the_same_code():
    english, chinese = READMES
    code = [[re.sub(r"  # .*", "", block) for block in blocks(readme, "python")] for readme in READMES]
    assert code[0] == code[1]  # but for the comments, which are in each one's language
    assert commands(english) == commands(chinese)
    assert blocks(english, "text") == blocks(chinese, "text")
    links = [set(re.findall(r"\]\(([^)\s]+)\)", readme.read_text("utf-8"))) for readme in READMES]
    # the screen and the guides in each one's language
    in_english = {link.replace(".zh.png", ".en.png").replace("docs/zh/", "docs/") for link in links[1]}
    assert links[0] - {chinese.name} == in_english - {english.name}


def test_the_picture_is_the_one_drawn_now(article_run):
    def content(svg):
        elements = [e for kind in ("title", "text") for e in ET.fromstring(svg).iter(SVG + kind)]
        places = [f"{e.get('cx')},{e.get('cy')}" for e in ET.fromstring(svg).iter(SVG + "ellipse")]
        return sorted(f"{e.tag}: {e.text}" for e in elements), places

    kept = (ROOT / "docs/baby-gpt.svg").read_text("utf-8")
    drawn = article_run.chain.plot(seen=article_run.corpus.states.tolist()).svg
    assert content(kept) == content(drawn)
    assert ("dasharray" in kept) == ("dasharray" in drawn)
