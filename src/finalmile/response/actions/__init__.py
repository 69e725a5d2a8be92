"""The built-in actions, one per file."""
