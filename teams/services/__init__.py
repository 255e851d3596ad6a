"""The writes of teams: one function per mutation, with its permission, change, audit entry and signal."""
