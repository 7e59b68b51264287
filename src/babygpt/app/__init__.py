"""Use it: the command line."""
