"""Make one: a vocabulary, a corpus, a GPT, and its training. Nothing here knows of chains."""
