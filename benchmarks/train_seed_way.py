"""The seed's way against ours, on the same lessons, the same small model and as many tokens.

    python -m benchmarks.train_seed_way runs/xiyou-mini build/lessons -o build/seed-way

Starts from the novels' stage of a mini run (all its weights are trained: a model this small has no
room for adapters). Two runs through `trainer.tune`:

seed   a character's name and nothing else as system part, one character a conversation and only
       its replies learned, neighbours' duplicates removed only, attention across a pack's lessons
ours   cards of all who are on stage, every line of the cast learned, near duplicates removed
       wherever they are, every lesson for itself

and three measures on held-out lessons, both models asked alike, with the cards of the four leads
and with the bare names:

loss       nats a token of the reply, mean and by character
speaker    whose name is likeliest after the scene, of the four leads
identity   「你是谁？」: does the greedy answer hold a name or mark of the right lead, of no other

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from characters.card import Character, Words, load_cast
from characters.markup import CHATML
from characters.prompt import Style, encode, prompt
from characters.turn import Scene, Turn
from trainer import lessons, mix, packs, rows, tune, watch
from trainer.lessons import Lesson
from trainer.recipe import Tuning, load
from trainer.vocabulary import TokenizerEncoder, load_tokenizer

RECIPES = Path(__file__).resolve().parents[1] / "trainer" / "recipes"
LEADS = ("wukong", "tangseng", "bajie", "shaseng")
STYLE = Style(CHATML, cards="brief", rules=False)
# Marks of the voices in the novel, beside the names (counted there: one voice has 90% of each).
MARKS = {"wukong": ("老孙",), "tangseng": ("贫僧",), "bajie": ("老猪",), "shaseng": ("老沙",)}
QUESTIONS = ("你是谁？", "你叫什么名字？", "请你介绍一下自己。", "阁下是哪位？", "你到底是谁呀？")


def bare(character: Character) -> Character:
    """The character as the seed told the model of it: by name."""
    return dataclasses.replace(character, brief=Words(character.name.zh, character.name.en))


def seeds(one: Lesson) -> Lesson:
    """A lesson as the seed would have had it: one voice, everybody else is whoever asks."""
    me = one.speaker.id
    turns = tuple(
        turn if turn.speaker == me or turn.side != "character" else Turn("某人", turn.text, "human")
        for turn in one.scene.turns
    )
    alone = dataclasses.replace(one.scene, cast=(bare(one.speaker),), turns=turns)
    return dataclasses.replace(one, scene=alone, speaker=bare(one.speaker), tail=None)


def recipe_for(name: str, base: Path, folder: Path, args: argparse.Namespace) -> Tuning:
    recipe = load(RECIPES / "internlm2-chat-1_8b.toml")
    assert isinstance(recipe, Tuning)
    config = json.loads((base / "config.json").read_text())
    heads, width = config["num_attention_heads"], config["hidden_size"]
    return dataclasses.replace(
        recipe,
        name=name,
        base=dataclasses.replace(
            recipe.base,
            folder=str(base),
            layers=config["num_hidden_layers"],
            width=width,
            heads=heads,
            groups=config["num_key_value_heads"],
            head_width=width // heads,
            feed_forward=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            tied=True,
        ),
        data=dataclasses.replace(recipe.data, lessons=str(folder)),
        prompt=dataclasses.replace(recipe.prompt, markup="chatml", cards="brief", rules=False),
        method=dataclasses.replace(recipe.method, kind="full"),
        train=dataclasses.replace(
            recipe.train,
            row=1024,
            isolated=name == "ours",
            epochs=1,
            accumulate=2,
            lr=args.lr,
            optimizer="adamw",
            clip=1.0,
            embeddings_on_cpu=False,
            checkpointing=False,
        ),
        watch=dataclasses.replace(recipe.watch, evaluate_every=0, sample_tokens=20),
    )


def choose(found: list[Lesson], name: str, tokens: int, encoder: Any) -> list[Lesson]:
    """Lessons of one way, up to so many tokens."""
    if name == "ours":
        taken = [mix.SourceLesson(one, one.id) for one in found]
        found = [one.lesson for one in mix.distinct(taken, 0.8, mix.Losses(), shown=True)]
    else:
        found = [seeds(one) for one in found]
    chosen, count = [], 0
    for one in found:
        if count >= tokens:
            break
        count += len(rows.fitting(one, STYLE, encoder, 1024)[0])
        chosen.append(one)
    return chosen


# --- measures --------------------------------------------------------------------------------


def losses(model: Any, held_out: list[Lesson], encoder: Any, cast: list[Character]) -> dict:
    by_speaker: dict[str, list] = {}
    known = {character.id: character for character in cast}
    for one in held_out:
        if one.speaker.id not in known:
            continue
        scene = dataclasses.replace(one.scene, cast=tuple(cast))
        asked = dataclasses.replace(
            one, scene=scene, speaker=known[one.speaker.id], tail=None, learn="reply"
        )
        row = rows.fitting(asked, STYLE, encoder, 1024)
        by_speaker.setdefault(one.speaker.id, []).append(packs.batch([row], isolated=True))
    return {k: round(v, 3) for k, v in watch.held_out_losses(model, by_speaker).items()}


def speaker(model: Any, held_out: list[Lesson], encoder: Any, cast: list[Character]) -> dict:
    """Share of held-out replies whose speaker's name is the likeliest of the cast's."""
    right = asked = 0
    for one in held_out:
        if one.speaker.id not in {c.id for c in cast}:
            continue
        scene = dataclasses.replace(one.scene, cast=tuple(cast))
        chances = {}
        for who in cast:
            spans = prompt(scene, who, style=STYLE)
            head, name = encode(spans[:-1], encoder), list(encoder(spans[-1].text, False))
            both = torch.tensor([[*head, *name]])[:, -1024:]
            with torch.no_grad():
                logits = model(input_ids=both).logits[0, -len(name) - 1 : -1].log_softmax(-1)
            chances[who.id] = float(logits[range(len(name)), name].sum())
        right += max(chances, key=lambda who: chances[who]) == one.speaker.id
        asked += 1
    return {"right": round(right / asked, 3), "of": asked}


def identity(model: Any, tokenizer: Any, encoder: Any, cast: list[Character]) -> dict:
    right: dict[str, int] = {}
    for who in cast:
        for question in QUESTIONS:
            scene = Scene(tuple(cast), (Turn("小明", question),))
            ids = torch.tensor([encode(prompt(scene, who, style=STYLE), encoder)])
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=40,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
            said = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
            marks = {c.id for c in cast if any(m in said for m in (*MARKS[c.id], c.name.zh))}
            right[who.id] = right.get(who.id, 0) + (marks == {who.id})
    asked = len(QUESTIONS) * len(cast)
    return {"right": round(sum(right.values()) / asked, 3), "of": asked, **right}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a mini run, for its tokenizer and novels' stage")
    parser.add_argument("lessons", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--held-out", type=int, default=80, help="lessons to measure on")
    parser.add_argument(
        "--only", choices=("seed", "ours"), help="one way, e.g. to run both at once"
    )
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    base = args.out / "base"
    if not base.exists():
        shutil.copytree(args.run / "tokenizer", base)
        for file in (args.run / "pretrain" / "final").glob("*"):
            if file.suffix in (".json", ".safetensors"):
                shutil.copy(file, base / file.name)
    tokenizer = load_tokenizer(base)
    encoder = TokenizerEncoder(tokenizer)
    known = load_cast()
    dice = random.Random(1)
    found = [one for one in lessons.load(args.lessons, "train") if one.scene.language == "zh"]
    held_out = [one for one in lessons.load(args.lessons, "held_out") if one.scene.language == "zh"]
    dice.shuffle(found)
    found = found[: max(500, args.tokens // 50)]  # more than will be read; comparing takes time
    held_out = held_out[: args.held_out]
    cards = [known[name] for name in LEADS]
    report: dict[str, Any] = {"tokens": args.tokens, "held_out": len(held_out)}
    for name in (args.only,) if args.only else ("seed", "ours"):
        folder = args.out / f"{name}-lessons"
        chosen = choose(found, name, args.tokens, encoder)
        lessons.save(folder, "train", chosen)
        lessons.save(folder, "held_out", [])
        recipe = recipe_for(name, base, folder, args)
        if name == "seed":  # cards are read again by id: give the run a cast of bare names
            tune.cast_of = lambda _: type(known)(tuple(bare(c) for c in load_cast()))  # type: ignore[assignment]
        else:
            tune.cast_of = lambda _: load_cast()  # type: ignore[assignment]
        card = tune.run(recipe, args.out / name)
        model = AutoModelForCausalLM.from_pretrained(args.out / name / "adapter").eval()
        report[name] = {"trained": card["losses"]["lessons"], "lessons": len(chosen)}
        for kind, cast in (("cards", cards), ("names", [bare(c) for c in cards])):
            report[name][kind] = {
                "loss": losses(model, held_out, encoder, cast),
                "speaker": speaker(model, held_out, encoder, cast),
                "identity": identity(model, tokenizer, encoder, cast),
            }
        print(name, json.dumps(report[name], ensure_ascii=False), flush=True)
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
