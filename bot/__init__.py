"""Chat: a room of people and characters, their memory, and the platforms they meet on."""
