"""Checks on what a version does in production, with stated error rates."""
