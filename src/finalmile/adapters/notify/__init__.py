"""Receivers of alerts, one per file."""
