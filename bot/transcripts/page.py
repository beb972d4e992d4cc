"""A transcript as one HTML file: faces inside, readable on a phone, dark and light, no scripts.

A content security policy lets the page load nothing from anywhere, so that a text which slipped
through could not do anything either.
"""

from __future__ import annotations

import base64
from html import escape

from bot.transcripts import Entry, Transcript, day

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fbfaf7; --card: #fff; --dim: #6b6f76;
  --edge: #dedbd2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e4df; --paper: #17181b; --card: #212327; --dim: #9a9da3; --edge: #34373d; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.65 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
main { max-width: 42rem; margin: 0 auto; padding: 1.2rem 1rem 4rem; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: .4rem 0; overflow-wrap: anywhere; }
.setting, footer { color: var(--dim); font-size: .9rem; }
article { display: flex; gap: .7rem; margin: 1rem 0; }
.face { flex: none; width: 2.6rem; height: 2.6rem; border-radius: 50%; object-fit: cover;
  background: var(--edge); text-align: center; line-height: 2.6rem; font-size: 1.2rem; }
.said { flex: 1; min-width: 0; background: var(--card); border: 1px solid var(--edge);
  border-radius: .8rem; padding: .5rem .8rem; }
.name { font-weight: 600; font-size: .9rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
article.human .said { background: transparent; }
.narration { color: var(--dim); font-style: italic; text-align: center; margin: 1.2rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write(told: Transcript) -> bytes:
    """The file, UTF-8."""
    title, language = escape(told.title), "zh-CN" if told.language == "zh" else "en"
    setting = escape("；".join(filter(None, (told.place, told.mood))))
    styles = "".join(
        f".f{n} {{ background: url(data:image/png;base64,{_data(face)}) center/cover; }}\n"
        for n, face in enumerate(told.faces.values())
    )
    body = "\n".join(_entry(entry, told) for entry in told.entries)
    last = day(max((entry.at for entry in told.entries), default=0.0))[:10]
    made = "虚构的对话，由 mRP 记下。" if told.language == "zh" else "Fiction, kept by mRP."
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{_STYLE}{styles}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="setting">{setting}</p>
{body}
<footer><p>{made} {last}</p></footer>
</main>
</body>
</html>
""".encode()


def _entry(entry: Entry, told: Transcript) -> str:
    text = escape(entry.text.strip())
    if entry.side == "narration":
        return f'<p class="narration">{text}</p>'
    character = told.member(entry.character)
    name = escape(entry.name)
    if entry.character in told.faces:
        number = list(told.faces).index(entry.character)
        face = f'<div class="face f{number}" role="img" aria-label="{name}"></div>'
    else:
        sign = (character.emoji if character else "") or entry.name[:1]
        face = f'<div class="face" aria-hidden="true">{escape(sign)}</div>'
    return (
        f'<article class="{entry.side}">{face}<div class="said"><div class="name">{name}</div>'
        f'<div class="text">{text}</div></div></article>'
    )


def _data(face: bytes) -> str:
    return base64.b64encode(face).decode("ascii")
