"""How an endpoint does: its answers counted by window, and what they are held against."""
