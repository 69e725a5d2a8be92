"""Settings: what a project may say in finalmile.yaml, with a defended default for all of it."""
