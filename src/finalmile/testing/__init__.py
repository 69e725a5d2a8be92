"""Conformance checks and fakes for plugin authors."""
