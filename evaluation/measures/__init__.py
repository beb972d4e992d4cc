"""Measures that need no judge: each takes replies and returns values, and knows no model."""
