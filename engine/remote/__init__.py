"""The engine over HTTP: a model that another process or machine serves, behind `Engine`.

    engine = await engine.remote.engine.RemoteEngine.open(["http://gpu:8080"], key=…)

Arrows go down, and no file knows one above it:

    opening      opens what the options name, as well as it can be asked
    options      --engine and its environment variables
    engine       RemoteEngine: retries, stop texts, scores
    fleet        the servers of one engine; each room at its own, moved while that is away
    reply        one reply and its cancel
    probe        asks a server once what it is and what it offers
    server       one server: tokens, streams and next-token probabilities
    scoring      who comes next, from tables of single next tokens
    dialects     request bodies and stream events of each kind of server (pure)
    connection   JSON and event streams over HTTP; every refusal becomes one sentence
    gate, pool   who is sent next; which server a room belongs to (pure)
    sse          server-sent events out of bytes (pure)
    vocabulary   token ids that carry their own text (pure)
    address      a server's URL (pure)
"""
