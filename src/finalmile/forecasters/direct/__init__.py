"""The global direct model: one set of trees for every series, with the horizon as a feature."""
