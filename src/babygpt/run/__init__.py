"""Keep it: a run is everything one training left behind."""
