"""The gateway: the data plane that serves calls, the node that runs it, and the control plane's side of both."""
