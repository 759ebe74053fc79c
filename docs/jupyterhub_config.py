"""A JupyterHub for the course: everybody works in JupyterLab, the exchange carries the notebooks."""

c = get_config()  # noqa: F821

c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # a server with TLS stands in front
c.Authenticator.allow_all = True  # who has an account on the machine
c.Authenticator.admin_users = {"instructor"}
c.Spawner.default_url = "/lab"
c.Spawner.args = ["--ServerApp.shutdown_no_activity_timeout=3600"]
