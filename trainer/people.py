"""Names of made-up people who talk with the characters."""

from __future__ import annotations

from characters.card import Language

_ZH = """
小明 小红 阿强 小李 老王 晓雯 佳佳 大刘 阿芳 小宇 思思 子涵 老陈 阿杰 婷婷 小虎
雨桐 浩然 阿梅 小周 一诺 阿福 青青 小马 文文 阿乐 老赵 客人 夜猫子 路人甲 书虫 月月
"""
_EN = "Amy Tom Lily Jack Mia Ben Zoe Sam Kate Leo Emma Max Anna Bob Iris guest Nora"
PEOPLE: dict[Language, list[str]] = {"zh": _ZH.split(), "en": _EN.split()}
