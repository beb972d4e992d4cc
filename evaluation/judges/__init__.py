"""Measures that need a judge: a model behind an endpoint. Never compared across judges."""
