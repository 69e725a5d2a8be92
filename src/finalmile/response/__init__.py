"""What to do about an incident: playbook, guards and actions."""
