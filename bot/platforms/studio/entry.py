"""Coming in and leaving: one-time links, cookies, the language and colours of the pages."""

from __future__ import annotations

from aiohttp import web

from bot.platforms.studio.site import Ask

COOKIE = "mrp_studio"
THEME = "mrp_look"
THEMES = ("light", "dark")


async def enter(ask: Ask) -> web.StreamResponse:
    """A link was opened. It is not used up by that: chats look at links by themselves."""
    if not await ask.site.sessions.is_link(ask.part("code")):
        return ask.problem(410, "used link")
    return ask.page("enter.html")


async def come_in(ask: Ask) -> web.StreamResponse:
    """The link is used up, and whoever has it is signed in: in a fresh session, whatever cookie
    the browser came with."""
    link = await ask.site.sessions.redeem(ask.part("code"))
    if link is None or not link.visitor.person:
        return ask.problem(410, "used link")
    if ask.session is not None:
        await ask.site.sessions.end(ask.session)
    token = await ask.site.sessions.begin(link.visitor, language=ask.language)
    response = ask.see("room", link.room) if link.room else ask.see("")
    if link.visitor.role == "owner" and not link.room and ask.site.desk.is_first():
        response = ask.see("owner", "setup")
    set_cookie(ask, response, token)
    return response


def set_cookie(ask: Ask, response: web.StreamResponse, token: str) -> None:
    """Let the browser keep a session's token."""
    addresses = ask.site.addresses
    response.set_cookie(
        COOKIE,
        token,
        max_age=7 * 86_400,
        path=addresses.base or "/",
        secure=addresses.secure,
        httponly=True,
        samesite="Lax",
    )


async def leave(ask: Ask) -> web.StreamResponse:
    """Sign out of this browser."""
    assert ask.session is not None
    await ask.site.sessions.end(ask.session)
    return _gone(ask)


async def leave_everywhere(ask: Ask) -> web.StreamResponse:
    """Sign out of all browsers."""
    await ask.site.sessions.end_all(ask.visitor.person)
    return _gone(ask)


def _gone(ask: Ask) -> web.StreamResponse:
    response = ask.see("")
    response.del_cookie(COOKIE, path=ask.site.addresses.base or "/")
    return response


async def look(ask: Ask) -> web.StreamResponse:
    """Another language, or other colours."""
    base = ask.site.addresses.base
    back = ask.text("back", 300)
    # Only a page of ours: no other site, and nothing that a browser reads as one (//host, /\host).
    safe = back.startswith(f"{base}/") and not back[1:].startswith(("/", "\\"))
    safe = safe and "\\" not in back and back.isprintable()
    target = back if safe else f"{base}/"
    response = web.Response(status=303, headers={"Location": target})
    theme, language = ask.text("theme", 10), ask.text("language", 5)
    if theme in THEMES:
        response.set_cookie(THEME, theme, max_age=400 * 86_400, path=base or "/", samesite="Lax")
    elif theme:
        response.del_cookie(THEME, path=base or "/")
    if language in ("zh", "en"):
        if ask.session is not None:
            await ask.site.sessions.change(ask.session, language=language)
        response.set_cookie(
            "mrp_language", language, max_age=400 * 86_400, path=base or "/", samesite="Lax"
        )
    return response
