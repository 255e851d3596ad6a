"""What serves calls: an application that knows no Django and reads no database on the call path."""
