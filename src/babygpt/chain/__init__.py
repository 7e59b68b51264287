"""Know it whole: the Markov chain that a GPT with a finite context is, and one file per question about it."""
