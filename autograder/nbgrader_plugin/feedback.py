"""nbgrader's feedback, and the cleaning of every piece of HTML that may come from a student.

nbconvert cleans the HTML of outputs only, and with tags so few that `<details>` becomes visible text;
Markdown, whose links may say `javascript:`, is cleaned in none of nbgrader's templates. These filters take
the place of both.
"""

from __future__ import annotations

import html
import re

import bleach
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades
from nbgrader.utils import is_grade, is_task

from autograder.nbgrader_plugin.dropped import dropped_items

TAGS = frozenset(
    "a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure "
    "h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup "
    "table tbody td tfoot th thead tr tt u ul var".split()
)
STYLES = frozenset(
    "background-color border border-bottom border-collapse border-color border-left border-radius "
    "border-right border-spacing border-top color display font-family font-size font-style font-weight "
    "height line-height margin margin-bottom margin-left margin-right margin-top max-width min-width "
    "overflow overflow-x padding padding-bottom padding-left padding-right padding-top text-align "
    "text-decoration vertical-align white-space width image-rendering".split()
)
_PLAIN_ATTRIBUTES = frozenset(
    "align alt aria-label colspan height open role rowspan scope start style title width".split()
)
# Classes of the course's own HTML and of highlighted code; not those on which formgrader's scripts act.
_CLASS = re.compile(r"(backpass|bp)(-[\w-]+)?|highlight|language-\w+|[a-z]{1,3}\d?")
_LINK = re.compile(r"https?://|mailto:|#")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+\Z")


def _allowed(tag: str, name: str, value: str) -> bool:
    """No ids: formgrader finds its score fields by id. No picture from elsewhere: it would tell who looks."""
    if name == "class":
        return all(_CLASS.fullmatch(part) for part in value.split())
    if name == "href":
        return tag == "a" and bool(_LINK.match(value))
    if name == "src":
        return tag == "img" and bool(_PICTURE.match(value))
    return name in _PLAIN_ATTRIBUTES


_CLEANER = bleach.Cleaner(
    tags=TAGS,
    attributes=_allowed,
    protocols={"http", "https", "mailto", "data"},
    css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES, allowed_svg_properties=[]),
)


def clean(element: object) -> str:
    """HTML in which nothing runs and nothing is fetched. What is not allowed becomes visible text."""
    text = element.decode("utf-8", "replace") if isinstance(element, bytes) else str(element)
    return _CLEANER.clean(text)


class _Renderer(IPythonRenderer):
    """Markdown without its missing attachments; nbconvert's raises, and the student gets no feedback."""

    def _embed_image_or_attachment(self, src: str) -> str:
        name = src.removeprefix("attachment:")
        return "" if name != src and name not in self.attachments else super()._embed_image_or_attachment(src)


@pass_context
def markdown(context: Context, source: str) -> str:
    """A Markdown cell as cleaned HTML."""
    attachments = context.get("cell", {}).get("attachments", {})
    renderer = _Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
    return clean(MarkdownWithMath(renderer=renderer).render(source))


class PlainNames(Preprocessor):
    """Formgrader's template writes a student's name, which may be a file's, into its page as it is."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        for name in ("student", "last_name", "first_name", "notebook_path"):
            if isinstance(resources.get(name), str):
                resources[name] = html.escape(resources[name])
        return nb, resources


class FeedbackExporter(HTMLExporter):
    """HTMLExporter under a name of its own, so that feedback can have a template of its own."""


class Grades(GetGrades):
    """nbgrader's grades in the notebook; where nothing was decided there is no score, in the place of 0."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        nb, resources = super().preprocess(nb, resources)
        graded = [cell.metadata.nbgrader for cell in nb.cells if is_grade(cell) or is_task(cell)]
        resources["nbgrader"]["parts"] = len(graded)
        resources["nbgrader"]["waiting"] = sum(marks["score"] is None for marks in graded)
        return nb, resources

    def _get_score(self, cell: NotebookNode, resources: dict) -> None:
        name = cell.metadata.nbgrader.grade_id
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        undecided = grade.auto_score is None and grade.manual_score is None
        cell.metadata.nbgrader["score"] = None if undecided else grade.score
        cell.metadata.nbgrader["points"] = grade.max_score
        cell.metadata.nbgrader["dropped"] = name in dropped_items(self.config, self.assignment_id)
