"""JupyterHub for a course on one machine: every user is a user of the system. See docs/jupyterhub.md."""

import os

c = get_config()  # noqa: F821 - JupyterHub provides it

# The environment in which the hub, the students' servers and their kernels run. It holds no autograder.
ENVIRONMENT = os.environ.get("BACKPASS_HUB_ENVIRONMENT", "/opt/backpass-hub")

# Who may come in: users of the system in one of these groups, with their own passwords.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"students", "instructors"}

# Each server runs as its user, in that user's home: the system keeps them apart, and nbgrader sees who they are.
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = [f"{ENVIRONMENT}/bin/jupyterhub-singleuser"]
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab"
# nbgrader calls alembic by name. One thread each: NumPy would take every core for everybody.
c.Spawner.environment = {
    "PATH": f"{ENVIRONMENT}/bin:/usr/local/bin:/usr/bin:/bin",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
c.Spawner.http_timeout = 60
c.Spawner.start_timeout = 60

# Only for this machine: a web server in front of it brings TLS and the outside world.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.db_url = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/srv/jupyterhub/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = "/srv/jupyterhub/proxy.pid"
