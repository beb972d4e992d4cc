"""The web pages: rooms in a browser, what is remembered of me, and what an owner looks after."""
