"""Making a character step by step, where a platform has no form: one question at a time. Pure.

steps = Steps()
steps.question("zh")            # 「叫什么名字？」
steps = steps.answered("小墨龙")
steps.done                      # then `steps.form` is what `bot.forms.read_form` reads
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from characters.words import Language, Words

# Key of a field, and how it is asked for; the last ones may be left out.
QUESTIONS: tuple[tuple[str, Words], ...] = (
    ("name", Words("叫什么名字？", "What is its name?")),
    ("greeting", Words("登场时说什么？", "What does it say when it enters?")),
    ("short", Words("用一句话介绍。", "Introduce it in one sentence.")),
    (
        "long",
        Words(
            "详细介绍：来历、性情、在意什么？（/跳过 也行）",
            "Describe it: origin, temper, what it cares for. (/skip leaves it out)",
        ),
    ),
    ("manner", Words("怎么说话？（/跳过 也行）", "How does it speak? (/skip leaves it out)")),
    ("nickname", Words("还有什么别名？（/跳过 也行）", "Any nicknames? (/skip leaves them out)")),
    (
        "categories",
        Words(
            "算哪些类别？例如：龙、书生。（/跳过 也行）",
            "Which categories? (/skip leaves them out)",
        ),
    ),
)
# Asked for where lines can be read aloud.
VOICE = (
    "voice",
    Words(
        "声音怎样？例如：低、慢。（/跳过 也行）",
        "How does it sound? For example: deep, slow. (/skip leaves it out)",
    ),
)
REQUIRED = 3
CANCEL_HINT = Words("（/取消 不做了）", " (/cancel ends it)")
SKIPS = frozenset(("/skip", "/跳过", "/跳過", "skip", "跳过"))
CANCELS = frozenset(("/cancel", "/取消"))
ONE_LINE = {"name", "short"}


@dataclass(frozen=True, slots=True)
class Steps:
    """The answers so far, one for each question; "" for one that was left out. `voiced`: lines can
    be read aloud here."""

    answers: tuple[str, ...] = ()
    voiced: bool = False

    @property
    def questions(self) -> tuple[tuple[str, Words], ...]:
        """Key of a field, and how it is asked for, in order."""
        return (*QUESTIONS, VOICE) if self.voiced else QUESTIONS

    @property
    def done(self) -> bool:
        return len(self.answers) >= len(self.questions)

    def question(self, language: Language) -> str:
        """What is asked next."""
        asked = self.questions[len(self.answers)][1][language]
        return f"{asked}{CANCEL_HINT[language]}" if not self.answers else asked

    def answered(self, text: str) -> Steps:
        """With one more answer; the same where a required one is left out."""
        text = text.strip()
        if text.casefold() in SKIPS:
            if len(self.answers) < REQUIRED:
                return self
            text = ""
        return replace(self, answers=(*self.answers, text))

    @property
    def form(self) -> str:
        """The answers as a form: one field a line; bars and breaks in them are no borders."""
        return "\n".join(
            f"{key}: {_one(text)}"
            for (key, _), text in zip(self.questions, self.answers, strict=False)
            if text
        )

    @property
    def lacking(self) -> str:
        """Stand-ins for what a card needs and nobody has answered yet, to check what there is."""
        stands = (("name", "？？"), ("greeting", "……"), ("short", "……"))
        return "\n".join(f"{key}: {text}" for key, text in stands[len(self.answers) :])


def _one(text: str) -> str:
    return " ".join(text.replace("|", "/").replace("｜", "/").split())
