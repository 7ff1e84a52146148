"""Backpass as a plug-in of nbgrader.

An nbgrader course takes it with three lines in its nbgrader_config.py:

    from autograder.nbgrader_plugin import configure
    c = get_config()
    configure(c)

Assignments whose notebook is no unit of Backpass are graded by nbgrader as before.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from traitlets.config import Config

TEMPLATES = Path(__file__).with_name("templates")

# How Canvas and Moodle name the files of a bulk download: smithjane_LATE_123_456_convolution-1.ipynb, and
# Jane Smith_123_assignsubmission_file_/convolution.ipynb. The student's id here is the platform's number, 123.
ISSUED_NAME = (
    r"(?:.*/)?(?P<name>[^/_]+)(?:_LATE)?_(?P<student_id>\d+)_"
    r"(?:\d+_|assignsubmission_file_/?)(?P<file_id>[^/]+?)(?:-\d+)?(?:\.\w+)?$"
)

_HERE = "autograder.nbgrader_plugin"
_SANITIZE = [f"{_HERE}.restore.Restore", f"{_HERE}.restore.CheckMetadata"]
_AUTOGRADE = [
    f"{_HERE}.grade.Grade",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    f"{_HERE}.save.Save",
    "nbgrader.preprocessors.AssignLatePenalties",
    f"{_HERE}.restore.CheckMetadata",
]
_FEEDBACK = [f"{_HERE}.feedback.Grades", "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor"]


def configure(c: Config) -> None:
    """Make nbgrader's commands and formgrader's buttons grade Backpass's units safely."""
    _find_alembic()
    c.GenerateAssignment.pre_convert_hook = f"{_HERE}.hooks.before_release"
    c.Autograde.pre_convert_hook = f"{_HERE}.hooks.before_autograde"
    c.Autograde.exporter_class = f"{_HERE}.reading.SubmissionExporter"
    c.Autograde.sanitize_preprocessors = list(_SANITIZE)
    c.Autograde.autograde_preprocessors = list(_AUTOGRADE)
    c.GenerateFeedback.exporter_class = f"{_HERE}.feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = list(_FEEDBACK)
    # Formgrader shows the autograded notebooks with nbconvert's exporter: the same cleaning there.
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.exclude_anchor_links = True
    c.HTMLExporter.filters = {
        "clean_html": f"{_HERE}.feedback.clean",
        "markdown2html": f"{_HERE}.feedback.markdown",
    }
    c.HTMLExporter.preprocessors = [
        f"{_HERE}.feedback.PlainNames",
        f"{_HERE}.formgrader.WithoutNetwork",
        f"{_HERE}.formgrader.WithoutDropped",
    ]
    # Feedback needs nothing from the network. To typeset formulas set this to where your MathJax 2.7 is.
    c.FeedbackExporter.mathjax_url = ""
    c.FeedbackExporter.template_name = "backpass_feedback"
    c.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]
    c.ExportApp.plugin_class = f"{_HERE}.exporter.GradesExporter"
    c.ZipCollectApp.extractor_plugin = f"{_HERE}.collect.Extractor"
    c.FileNameCollectorPlugin.named_regexp = ISSUED_NAME


def _find_alembic() -> None:
    """nbgrader runs `alembic` from PATH, where `.venv/bin/nbgrader` by itself does not find it."""
    beside = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if beside not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join(filter(None, [path, beside]))
