"""Show it: pictures of chains and of trainings."""
