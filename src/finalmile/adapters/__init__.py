"""Answers to the ports: where vendors live."""
