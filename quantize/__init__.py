"""From weights to 8 GB: Hugging Face folder to GGUF, and GGUF to smaller GGUF."""
