"""The repository's root is an nbgrader course: source/ release/ submitted/ autograded/ feedback/."""

from autograder.nbgrader_plugin import configure

c = get_config()  # noqa: F821 - nbgrader provides it
c.CourseDirectory.course_id = "backpass"
configure(c)
