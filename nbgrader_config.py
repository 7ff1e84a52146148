"""The root of the repository is the nbgrader course: source/ release/ submitted/ autograded/ feedback/ gradebook.db."""

from autograder.nbgrader_plugin import configure

c = get_config()  # noqa: F821 - nbgrader provides it
c.CourseDirectory.course_id = "backpass"
configure(c)
