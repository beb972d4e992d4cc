"""Who speaks, and what the model reads: cards, turns, scenes, and the one renderer of prompts."""
