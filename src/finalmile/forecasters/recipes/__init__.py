"""One forecaster per module; each registers itself."""
