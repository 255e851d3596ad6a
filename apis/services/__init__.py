"""The writes of apis: one function per mutation, with its permission, change, audit entry and signal."""
