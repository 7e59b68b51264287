"""The same numbers sooner: faster ways to read and train a GPT, behind :func:`babygpt.gpt.fast.supports.supports`."""
