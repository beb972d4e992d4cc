"""`mrp engine serve`: the model, and characters as models, over an OpenAI-compatible HTTP API.

Arrows go down, and no file knows one above it:

    cli         the verb and its options
    server      routes, the bearer token, bounds, health
    characters  a character as a model: /v1/chat/completions with its id
    completions the model itself: /completion, /score, /tokenize, /v1/completions, /v1/chat/…
    answers     replies as JSON or as server-sent events, with keep-alives; cancel on disconnect
    requests    bodies as values; every mistake in them is one sentence (pure)
"""
