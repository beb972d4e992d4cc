"""The web server of the pages: every request passes here before a page sees it.

    runner = await serve(site)                       # until runner.cleanup()

In this order: is it sent to us, is it small enough, who sends it, how often, may they, and is a
form from one of our pages. The answer gets headers that keep browsers from loading foreign things.
"""

from __future__ import annotations

import hmac
import logging
import math
from collections.abc import Awaitable, Callable, Container
from dataclasses import replace
from urllib.parse import urlsplit

from aiohttp import web

from bot.memory import MemoryProblem, Session
from bot.platforms.protocol import PlatformProblem
from bot.platforms.studio.access import Route, refusal
from bot.platforms.studio.addresses import host_of
from bot.platforms.studio.entry import COOKIE, THEME, THEMES, set_cookie
from bot.platforms.studio.routes import ROUTES
from bot.platforms.studio.site import Ask, Site
from characters.card import Language

log = logging.getLogger(__name__)

LARGEST_MB = 8  # of a form: a card with its picture
LARGEST_TYPED = 2 << 20  # bytes of a form that is read only to show what was typed in it
# Files of ours, and nothing that stands inside a page.
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

ASK = web.RequestKey("ask", Ask)  # as far as it is known, for a page that says what is wrong

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(site: Site) -> web.Application:
    """All routes of the table, below the site's base path."""
    app = web.Application(client_max_size=LARGEST_MB * 2**20)
    base = site.addresses.base
    for route in ROUTES:
        app.router.add_route(route.method, base + route.path, _guarded(site, route))
    # A form's answer is a page, too, which people load again, mark, or turn into another language.
    pages = {route.path for route in ROUTES if route.method == "GET"}
    for path in {route.path for route in ROUTES} - pages:
        up = Route("GET", path, _to_page(path, pages), "anybody")
        app.router.add_get(base + path, _guarded(site, up))
    if base:
        app.router.add_get("/", _to_base(base))
        app.router.add_get(base, _to_base(base))
    app.router.add_route("*", "/{rest:.*}", _guarded(site, None))
    return app


def _to_base(base: str) -> Answer:
    async def move(_: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": f"{base}/"})

    return move


def _to_page(path: str, pages: Container[str]) -> Callable[[Ask], Awaitable[web.StreamResponse]]:
    """What leads from a form's address to the page that it stands on."""
    parts = path.split("/")
    stay = next(n for n in range(len(parts) - 1, 0, -1) if "/".join(parts[:n]) in pages or n == 1)

    async def move(ask: Ask) -> web.StreamResponse:
        here = ask.request.rel_url.raw_path.removeprefix(ask.site.addresses.base).split("/")
        location = ask.site.addresses.base + ("/".join(here[:stay]) or "/")
        return web.Response(status=303, headers={"Location": location})

    return move


def _guarded(site: Site, route: Route | None) -> Answer:
    """What answers a route, with all that is asked before; None: there is no such page."""

    async def answer(request: web.Request) -> web.StreamResponse:
        ask = Ask(request, site, None, _language(request), _theme(request))
        request[ASK] = ask
        try:
            response = await _answered(ask, route)
        except MemoryProblem as problem:
            log.info("studio: the memory is away: %s", type(problem).__name__)
            response = (await _read(request[ASK])).problem(503, "away")
        except web.HTTPRequestEntityTooLarge:
            response = request[ASK].problem(413, "too large", LARGEST_MB)
        except web.HTTPException:
            raise
        except (ConnectionError, TimeoutError):
            raise  # whoever asked has gone
        except Exception as problem:  # one page that fails shall not show its insides
            log.exception("studio: a page failed: %s", type(problem).__name__)
            response = request[ASK].problem(500, "failed")
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answer


async def _answered(ask: Ask, route: Route | None) -> web.StreamResponse:
    request, site = ask.request, ask.site
    if host_of(request.headers.get("Host", "")) not in site.addresses.hosts:
        return ask.problem(421, "wrong host")
    if (request.content_length or 0) > LARGEST_MB * 2**20:
        return ask.problem(413, "too large", LARGEST_MB)
    session = await _session(ask)
    if session is not None:
        chosen: Language = "en" if session.language == "en" else "zh"
        ask = replace(ask, session=session, language=chosen if session.language else ask.language)
    if route is None:
        return ask.problem(404, "not found")
    wait = _too_fast(ask, route)
    if wait:
        return await _slower(ask, wait)
    if request.method == "POST":
        ask = replace(ask, form={**await request.post()})
    request[ASK] = ask
    why = refusal(route.least, session.visitor if session else None)
    if why:
        return ask.problem(401 if why == "sign in" else 403, why)
    if request.method == "POST" and not _is_ours(ask):
        return ask.problem(403, "forged")
    response = await route.handler(ask)
    if session is not None and not response.prepared and COOKIE not in response.cookies:
        fresh = await site.sessions.rotate(session) if request.method == "GET" else ""
        if fresh:
            set_cookie(ask, response, fresh)
    return response


async def _session(ask: Ask) -> Session | None:
    """Whose session the cookie is of. Files and faces need nobody."""
    token = ask.request.cookies.get(COOKIE, "")
    part = ask.request.path.removeprefix(ask.site.addresses.base).split("/")[1:2]
    if not token or len(token) > 200 or part in (["file"], ["face"]):
        return None
    return await ask.site.sessions.find(token)


async def _read(ask: Ask) -> Ask:
    """The same request with its form, where nothing went so far as to read it."""
    small = (ask.request.content_length or LARGEST_TYPED + 1) <= LARGEST_TYPED
    if ask.request.method != "POST" or ask.form or not small:
        return ask
    try:
        return replace(ask, form={**await ask.request.post()})
    except (web.HTTPException, ValueError):  # no form at all
        return ask


def _too_fast(ask: Ask, route: Route) -> int:
    """Seconds that somebody is to wait who asks too often, 0 for none; pictures and files are not
    counted."""
    if route.path.startswith(("/file/", "/face/")):
        return 0
    if ask.session is not None:
        verdict = ask.site.requests.admit(ask.visitor.person, "")
    else:
        verdict = ask.site.strangers.admit(ask.request.remote or "", "")
    return 0 if verdict.allowed else max(1, math.ceil(min(verdict.wait_s, 3600)))


async def _slower(ask: Ask, wait: int) -> web.Response:
    """What is said to whoever asks too often; to somebody who is signed in with what they typed."""
    ask = await _read(ask) if ask.session is not None else ask
    response = ask.problem(429, "too fast", wait)
    response.headers["Retry-After"] = str(wait)
    return response


def _is_ours(ask: Ask) -> bool:
    """Whether a form was sent by a page of this site: by its origin, and, where somebody is signed
    in, by the word that only their pages know. A link that signs in needs no such word: it is one.
    """
    headers = ask.request.headers
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("Origin", "")
    if origin and (urlsplit(origin).hostname or "") not in ask.site.addresses.hosts:
        return False
    if ask.session is None or ask.request.match_info.handler is None:
        return True
    if ask.request.path.startswith(f"{ask.site.addresses.base}/enter/"):
        return True
    return hmac.compare_digest(ask.text("csrf", 100).encode(), ask.session.csrf.encode())


def _language(request: web.Request) -> Language:
    """What the browser's pages were in, or what it asks for."""
    chosen = request.cookies.get("mrp_language", "")
    if chosen in ("zh", "en"):
        return "zh" if chosen == "zh" else "en"
    wanted = [part.strip()[:2].casefold() for part in _accepted(request).split(",")]
    return "zh" if next((one for one in wanted if one in ("zh", "en")), "zh") == "zh" else "en"


def _accepted(request: web.Request) -> str:
    return request.headers.get("Accept-Language", "")


def _theme(request: web.Request) -> str:
    theme = request.cookies.get(THEME, "")
    return theme if theme in THEMES else ""


async def serve(site: Site) -> web.AppRunner:
    """Answer until `runner.cleanup()`.

    Raises:
        PlatformProblem: the address cannot be listened on.
    """
    addresses = site.addresses
    runner = web.AppRunner(application(site), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, addresses.host, addresses.port).start()
    except OSError as problem:
        await runner.cleanup()
        raise PlatformProblem(
            f"{addresses.host}:{addresses.port} cannot be listened on: {problem.strerror}; give "
            "another --studio HOST:PORT"
        ) from problem
    return runner
