"""The built-in checks, one per file."""
