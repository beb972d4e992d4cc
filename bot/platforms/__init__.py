"""Chat platforms: past this border nobody asks which platform it is.

registry.py lists them, protocol.py is what `mrp serve` and `mrp doctor` ask of one.
"""
