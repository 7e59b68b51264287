"""The screen's brain: a session, what it answers to each command, and what it shows."""
