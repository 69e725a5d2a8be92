"""How good a forecast was: one metric per file."""
