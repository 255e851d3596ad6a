"""The writes of prompts: one function per mutation, with its permission, change, audit entry and signal."""
