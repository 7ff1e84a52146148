"""The figures of the lectures: one palette, one way to show a picture, one module per lecture.

Nothing here is needed for the exercises; `from backpass import check` does not import it.
"""

from .interactive import explore
from .style import Picture, picture

__all__ = ["Picture", "explore", "picture"]
