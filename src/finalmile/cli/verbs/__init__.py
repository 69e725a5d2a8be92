"""One verb per module: read what was typed, call the project, give back its report."""
