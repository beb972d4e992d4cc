"""Many replies, one model. Knows tokens, not who speaks or where."""
