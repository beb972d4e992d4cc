"""A book becomes a voice: lessons, recipes, training. The only package that imports torch."""

import logging

# Without a GPU it recommends a package for faster 4-bit replies; we train with it.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
