"""Ways in which files of purchase orders reach whoever is to read them, one a file."""
