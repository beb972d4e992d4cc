"""What a teacher wrote is learned: rows of all methods, mixed, through `mrp train` for real."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from characters.card import load_cast
from trainer import lessons, rows
from trainer import train as training
from trainer.recipe import Recipe
from trainer.synth import cli
from trainer.synth.run import METHODS
from trainer.vocabulary import TokenizerEncoder, load_tokenizer

SMALL = {
    "qa": ("--repeats", "1", "--limit", "16"),
    "continue": ("--count", "4"),
    "rolegpt": ("--limit", "12"),
    "context-instruct": ("--count", "2"),
    "ditto": ("--count", "4"),
    "general": ("--limit", "16"),
    "dialogue": (),
}


def test_rows_of_every_method_train_a_model(
    ask: Any, tmp_path: Path, novel: Path, recipe: Recipe
) -> None:
    assert set(SMALL) == {name for name, method in METHODS.items() if method.lessons}
    parts = []
    for method, more in SMALL.items():
        cli.main(ask(method, *more))
        share = 1 - 0.15 * (len(SMALL) - 1) if method == "qa" else 0.15
        parts.append(f'[[part]]\nfolder = "{tmp_path / method}"\nshare = {share:.2f}\nwhy = "x"\n')
    (tmp_path / "mix.toml").write_text("".join(parts), "utf-8")
    out = tmp_path / "lessons"
    cli.main(["mix", str(tmp_path / "mix.toml"), "-o", str(out)])
    made = lessons.load(out, "train", load_cast())
    assert {one.source for one in made} == set(SMALL)

    books = tmp_path / "books.jsonl"
    books.write_text(json.dumps({"title": "后西游记", "text": "花果山上好不快活。" * 300}) + "\n")
    small = dataclasses.replace(
        recipe,
        data=dataclasses.replace(
            recipe.data,
            novel=str(novel),
            books=str(books),
            lessons=str(out),
            held_out=(2, 5),
            titles=("后西游记",),
        ),
        model=dataclasses.replace(
            recipe.model, vocabulary=700, width=32, layers=1, heads=2, feed_forward=48, context=1024
        ),
        pretrain=dataclasses.replace(recipe.pretrain, tokens=2000, row=32, batch=256),
        lessons=dataclasses.replace(recipe.lessons, row=900, batch=2048),
    )
    card = training.train(small, tmp_path / "run")
    assert card["losses"]["lessons"]["steps"] >= 2
    assert card["losses"]["lessons"]["learned"] > 500
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()
    encoder = TokenizerEncoder(load_tokenizer(tmp_path / "run" / "tokenizer"))
    style = recipe.prompt.style
    for one in made:
        ids, labels = rows.labelled(one.spans(style), encoder)
        assert len(ids) == len(labels)
        learned = [label for label in labels if label != rows.IGNORED]
        assert len(learned) > len(encoder(one.reply, False))
