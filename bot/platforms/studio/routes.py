"""The table of all pages and forms: where they are, what answers, and who may use them."""

from __future__ import annotations

from bot.platforms.studio import entry, gallery, making, me, owner, room_pages, room_views
from bot.platforms.studio.access import Route

ROUTES: tuple[Route, ...] = (
    Route("GET", "/", gallery.home, "anybody"),
    Route("GET", "/enter/{code}", entry.enter, "anybody"),
    Route("POST", "/enter/{code}", entry.come_in, "anybody"),
    Route("POST", "/look", entry.look, "anybody"),
    Route("GET", "/file/{version}/{name}", gallery.file, "anybody"),
    Route("GET", "/face/{id}", gallery.face, "anybody"),
    Route("POST", "/leave", entry.leave, "member"),
    Route("POST", "/leave/everywhere", entry.leave_everywhere, "member"),
    Route("GET", "/character/{id}", gallery.character, "member"),
    Route("GET", "/character/{id}/card.{format}", gallery.card, "member"),
    Route("GET", "/make", making.page, "member"),
    Route("POST", "/make", making.keep, "member"),
    Route("POST", "/make/preview", making.preview, "member"),
    Route("POST", "/make/try", making.audition, "member"),
    Route("POST", "/import", making.bring_in, "member"),
    Route("GET", "/character/{id}/change", making.page, "member"),
    Route("POST", "/character/{id}/change", making.keep, "member"),
    Route("POST", "/character/{id}/withdraw", making.withdraw, "member"),
    Route("POST", "/talk/{id}", gallery.talk, "member"),
    Route("GET", "/rooms", room_views.rooms, "member"),
    Route("POST", "/rooms", room_views.create, "member"),
    Route("POST", "/rooms/remove", room_views.remove, "member"),
    Route("GET", "/join/{code}", room_views.asked_in, "member"),
    Route("POST", "/join/{code}", room_views.join, "member"),
    Route("GET", "/room/{key}", room_pages.page, "member"),
    Route("GET", "/room/{key}/stream", room_pages.stream, "member"),
    Route("POST", "/room/{key}/say", room_pages.say, "member"),
    Route("POST", "/room/{key}/order", room_pages.order, "member"),
    Route("POST", "/room/{key}/scene", room_pages.scene, "member"),
    Route("POST", "/room/{key}/invite", room_views.invite, "member"),
    Route("GET", "/room/{key}/edit", room_views.edit, "member"),
    Route("POST", "/room/{key}/edit", room_views.edited, "member"),
    Route("GET", "/room/{key}/why", room_views.why, "member"),
    Route("GET", "/room/{key}/transcript", room_views.transcript, "member"),
    Route("GET", "/me", me.page, "member"),
    Route("POST", "/me", me.change, "member"),
    Route("GET", "/me/export", me.export, "member"),
    Route("GET", "/owner", owner.page, "owner"),
    Route("GET", "/owner/feedback", owner.pairs, "owner"),
    Route("GET", "/owner/feedback/{kind}", owner.export, "owner"),
)
