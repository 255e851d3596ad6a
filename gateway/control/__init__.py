"""The control plane's side of the gateway: the changelog it writes and the nodes it watches."""
