"""Discord: text, faces, webhooks, stage, panel, orders, client; `mrp discord` is in `run`."""
