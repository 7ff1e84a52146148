"""The course's site: `make site`, or `sphinx-build docs build/site`."""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "course")]

# Sphinx reads one folder, so the lectures are brought here (git ignores them).
shutil.rmtree(HERE / "lectures", ignore_errors=True)
shutil.copytree(ROOT / "course" / "lectures", HERE / "lectures", ignore=shutil.ignore_patterns(".*"))

project = "Backpass"
copyright = "Backpass contributors, BSD-3-Clause"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx-mathjax-offline"]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
# Executed once, and again only where a lecture has changed; a failing cell fails the site.
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "site-cache")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
# A page has no kernel: knobs show their sentence, and nothing is loaded from elsewhere.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_merge_streams = True
suppress_warnings = ["myst.header"]

napoleon_google_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
add_module_names = False

html_theme = "sphinx_book_theme"
html_title = "Backpass"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_persistent": [],
    "secondary_sidebar_items": ["page-toc"],
}


def _bars_are_absolute_values(app, what, name, obj, options, lines):
    """In the docstrings |x| is mathematics, not a substitution of reStructuredText."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", _bars_are_absolute_values)
