"""Looks at one period: each module watches for one thing, with a state of its own in the ledger."""
