"""The built-in effect sizes, one per file."""
