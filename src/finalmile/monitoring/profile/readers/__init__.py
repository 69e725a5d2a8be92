"""Data of every kind as slices of columns, in bounded memory."""
