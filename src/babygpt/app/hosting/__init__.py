"""What carries sessions to many screens at once: threads, sessions that are found again, connections, the door."""
