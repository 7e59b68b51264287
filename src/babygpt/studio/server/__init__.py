"""The screen's host: sessions for many screens at once, their threads, and who may come in."""
