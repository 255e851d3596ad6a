"""Teams, their members and roles, their applications and keys, and the audit log."""
