"""Certification: what a version achieves on data it has not seen."""
