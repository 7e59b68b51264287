"""How Sphinx builds the guides and the reference, in one language: build.py runs it, with what differs."""

import json
import re
from pathlib import Path

from sphinx.ext.napoleon import NumpyDocstring
from sphinx.search.zh import SearchChinese

project = "BabyGPT"
copyright = "the BabyGPT authors"  # noqa: A001  # Sphinx' name
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

smartquotes = False  # --host is two dashes
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # the reference's headings begin where a docstring's end

autodoc_typehints = "none"  # signatures have them
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_preprocess_types = False
napoleon_attr_annotations = False

html_theme = "furo"
html_title = "BabyGPT"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_css_files = ["guide.css"]
html_sidebars = {
    "**": ["sidebar/brand.html", "languages.html", "sidebar/search.html", "sidebar/scroll-start.html",
           "sidebar/navigation.html", "sidebar/scroll-end.html"]
}  # fmt: skip
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0d6e4f", "color-brand-content": "#0d6e4f"},
    "dark_css_variables": {"color-brand-primary": "#6cc9a3", "color-brand-content": "#6cc9a3"},
    "top_of_page_buttons": [],
}
pygments_style = "friendly"
pygments_dark_style = "native"


def setup(app):
    """Take what differs between the languages from where the source is."""
    app.connect("config-inited", _of_the_language)
    app.connect("autodoc-process-docstring", _sections, priority=100)
    app.add_search_language(Chinese)


def _of_the_language(app, config):
    config.html_context = json.loads((Path(app.srcdir) / "context.json").read_text("utf-8"))


def _sections(app, what, name, thing, options, lines):
    # the examples that end a docstring are a section of their own
    sections = [i for i, line in enumerate(lines) if re.fullmatch(r"-{3,}", line)]
    example = next((i for i, line in enumerate(lines) if line.startswith(">>>")), None)
    if sections and example is not None and example > sections[0]:
        lines[example:example] = ["Examples", "--------"]
    # What stands before the colon in "Whether it holds: bool (N,)." is no type, as napoleon would have it of a
    # property, in which it knows no sections either: it is read as a method, and begins with what has no width.
    if what in ("attribute", "property", "data"):
        lines[:] = ["\N{ZERO WIDTH SPACE}", *NumpyDocstring(lines, app.config, app, "method", name, thing).lines()]


class Chinese(SearchChinese):
    """Chinese is written without blanks: each two signs beside each other are what is looked for, here and there."""

    language_name = "English"  # of the stemmer for what is Latin
    js_splitter_code = """
function splitQuery(query) {
  return (query.match(/[a-zA-Z0-9_]+|[\\u4e00-\\u9fff]+/g) ?? []).flatMap((run) =>
    /[a-zA-Z0-9_]/.test(run) || run.length < 3
      ? [run]
      : Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2)),
  );
}
"""

    def split(self, input):  # noqa: A002  # Sphinx' name
        """Return the words of a text."""
        runs = re.findall(r"[\u4e00-\u9fff]+", input)
        pairs = [run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))]
        latin = re.findall(r"[a-zA-Z0-9_]+", input)
        self.latin_terms.update(latin)
        return [*pairs, *latin]
