"""Look inside: what the layers of a GPT do with one context."""
