"""The commands: what a terminal is told, and what it is shown."""
