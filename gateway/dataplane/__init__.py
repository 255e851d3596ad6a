"""What serves calls: an ASGI application that knows no Django and reads no database on the call path."""
