"""nbgrader's settings for everybody on the machine: /etc/jupyter/nbgrader_config.py.

The instructor's clone has its own nbgrader_config.py beside source/; what stands here holds there, too.
"""

c = get_config()  # noqa: F821 - nbgrader provides it

c.CourseDirectory.course_id = "backpass"
# The one folder in which everybody may write; it must exist: install --directory --mode 0777 FOLDER
c.Exchange.root = "/srv/nbgrader/exchange"
