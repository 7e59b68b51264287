"""Ask questions: many seeds, changed data, sweeps, and sources whose truth is known."""
