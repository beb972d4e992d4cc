"""A book becomes a voice: lessons, recipes, training. The only package that imports torch."""
