"""From findings to incidents and alerts."""
