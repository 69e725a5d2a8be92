"""Effect sizes of whole tables, one per file."""
