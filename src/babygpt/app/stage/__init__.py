"""What a session of the studio shows, and how much of it."""
