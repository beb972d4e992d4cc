"""How good is a voice: measures on any model the engine can open."""
