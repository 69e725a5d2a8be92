"""What a user asks for, one module each: the only place where stages meet."""
