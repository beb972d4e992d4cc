"""From weights to 8 GB: a model from a hub, a GGUF from it, a smaller one, and what that costs."""
