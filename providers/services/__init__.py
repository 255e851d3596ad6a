"""The writes of providers: one function per mutation, with its permission, change, audit entry and signal."""
