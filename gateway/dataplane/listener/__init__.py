"""The listener: HTTP/1.1 (RFC 9112) on an inherited socket, strict enough to stand in front of others.

`server` accepts and drains, `connection` reads requests by httptools, `exchange` is one request and its answer, `head`
judges what two servers could read differently. A request that breaks a rule is answered once, with a problem, and its
connection is closed: what follows on it cannot be told apart from a second request.
"""
