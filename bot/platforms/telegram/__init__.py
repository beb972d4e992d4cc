"""Telegram: private chats, groups and topics are rooms."""
