"""Cards of every kind go in, out and in again, and are equal field by field."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from characters.card import Lines, Words, load_cast
from characters.tavern import FORMATS, Setting, pictures, read, write, write_group, write_lore
from characters.tavern.archive import write_zip
from characters.tavern.pictures import blank

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60
) | st.sampled_from(
    ["{{char}} nods to {{user}}.", "孫悟空：俺老孫來也！", "<|im_end|>", "🐒 a:b", "# - 'x' \"y\"",
     "2020-01-01", "\x85 \u2028b\x85c", "yes", "null", "<script>alert(1)</script>",
     "\u202eevil", "a\r\nb\tc"]
)  # fmt: skip
NAME = st.sampled_from(["Alice", "孙悟空", "🐒 Monkey King", "Dr. Who: the 2nd", "O'Neil", "李 白"])
SCALAR: st.SearchStrategy[object] = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT
SCALAR = SCALAR | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FLAT = {
    "name": NAME,
    **dict.fromkeys(("description", "personality", "scenario", "first_mes"), TEXT),
    "mes_example": st.sampled_from(
        ["", "<START>\n{{user}}: hi\n{{char}}: Hello.\nAnd more.\n<START>\n{{char}}: Bye."]
    )
    | TEXT,
}
FILTER = st.fixed_dictionaries(
    {"isExclude": st.booleans(), "names": st.lists(TEXT, max_size=2), "tags": st.just([])}
)
SHARED = {  # what a world file's entry and a card's `extensions` say with the same values
    "probability": st.integers(0, 100),
    "useProbability": st.booleans(),
    "selectiveLogic": st.integers(0, 3),
    "group": TEXT,
    "sticky": st.none() | st.integers(0, 9),
    "cooldown": st.none() | st.integers(0, 9),
    "delay": st.none() | st.integers(0, 9),
    "depth": st.integers(0, 9),
    "role": st.none() | st.integers(0, 2),
    "vectorized": st.booleans(),
}
EXTENSIONS = SHARED | {
    "position": st.integers(0, 7),
    "exclude_recursion": st.booleans(),
    "prevent_recursion": st.booleans(),
    "delay_until_recursion": st.booleans() | st.integers(0, 3),
    "group_override": st.booleans(),
    "group_weight": st.integers(0, 100),
    "scan_depth": st.none() | st.integers(0, 9),
    "match_whole_words": st.none() | st.booleans(),
    "case_sensitive": st.none() | st.booleans(),
    "character_filter": FILTER,
    "automation_id": TEXT,
}
WORLD_FIELDS = SHARED | {
    "keysecondary": st.lists(TEXT, max_size=2),
    "comment": TEXT,
    "constant": st.booleans(),
    "selective": st.booleans(),
    "addMemo": st.booleans(),
    "order": st.integers(-5, 200),
    "position": st.integers(0, 7),
    "disable": st.booleans(),
    "excludeRecursion": st.booleans(),
    "preventRecursion": st.booleans(),
    "delayUntilRecursion": st.booleans() | st.integers(0, 3),
    "groupOverride": st.booleans(),
    "groupWeight": st.integers(0, 100),
    "scanDepth": st.none() | st.integers(0, 9),
    "caseSensitive": st.none() | st.booleans(),
    "matchWholeWords": st.none() | st.booleans(),
    "automationId": TEXT,
    "displayIndex": st.integers(0, 99),
    "characterFilter": FILTER,
    "unheard_of": ANYTHING,
}
WORLD_ENTRY = st.fixed_dictionaries(
    {"key": st.lists(TEXT, max_size=3), "content": TEXT}, optional=WORLD_FIELDS
)
WORLD = st.fixed_dictionaries(
    {
        "entries": st.lists(WORLD_ENTRY, max_size=3).map(
            lambda rows: {str(n): {"uid": n, **row} for n, row in enumerate(rows)}
        )
    },
    optional={"name": TEXT, "extensions": st.dictionaries(TEXT, ANYTHING, max_size=2)},
)
NEEDED = {
    "keys": st.lists(TEXT, max_size=3),
    "content": TEXT | st.just("@@depth 4\n@@scan_depth 2\ntext"),
    "extensions": st.dictionaries(st.sampled_from(["x", "foo/bar"]), ANYTHING, max_size=2)
    | st.fixed_dictionaries({}, optional=EXTENSIONS),
    "enabled": st.booleans(),
    "insertion_order": st.integers(-5, 200),
}
OPTIONAL = {
    "name": TEXT,
    "priority": st.integers(0, 10),
    "id": st.integers(0, 99) | TEXT,
    "comment": TEXT,
    "selective": st.booleans(),
    "secondary_keys": st.lists(TEXT, max_size=2),
    "constant": st.booleans(),
    "position": st.sampled_from(["before_char", "after_char", 0, 4]),
    "case_sensitive": st.booleans() | st.none(),
    "use_regex": st.booleans(),
    "unheard_of": ANYTHING,
}
ENTRY = st.fixed_dictionaries(NEEDED, optional=OPTIONAL)
BOOK_FIELDS = {
    "name": TEXT,
    "description": TEXT,
    "scan_depth": st.integers(0, 100),
    "token_budget": st.integers(0, 4000),
    "recursive_scanning": st.booleans(),
    "extensions": st.dictionaries(TEXT, ANYTHING, max_size=2),
}
BOOK = st.fixed_dictionaries({"entries": st.lists(ENTRY, max_size=3)}, optional=BOOK_FIELDS)
V2 = {
    "creator_notes": TEXT,
    "system_prompt": TEXT | st.just("{{original}} Speak in verse."),
    "post_history_instructions": TEXT,
    "alternate_greetings": st.lists(TEXT, max_size=3),
    "tags": st.lists(TEXT, max_size=3),
    "creator": TEXT,
    "character_version": TEXT | st.floats(0, 9),
    "extensions": st.dictionaries(
        st.sampled_from(["talkativeness", "fav", "world"]), st.just("0.5"), max_size=2
    )
    | st.fixed_dictionaries(
        {"depth_prompt": st.fixed_dictionaries({"prompt": TEXT, "depth": st.just(4)})}
    )
    | st.dictionaries(st.sampled_from(["risuai", "chub", "a b"]), ANYTHING, max_size=2),
    "character_book": BOOK | st.none(),
}
V3 = {
    "nickname": st.just("") | NAME,
    "creator_notes_multilingual": st.dictionaries(st.sampled_from(["en", "zh"]), TEXT),
    "source": st.lists(TEXT, max_size=2),
    "group_only_greetings": st.lists(TEXT, max_size=2),
    "creation_date": st.integers(0, 2**33),
    "modification_date": st.integers(0, 2**33),
    "assets": st.lists(
        st.fixed_dictionaries(
            {
                "type": st.just("icon"),
                "uri": st.just("ccdefault:"),
                "name": TEXT,
                "ext": st.just("png"),
            }
        ),
        max_size=2,
    ),
}


def wrapped(spec, version, fields):
    needed = {key: fields.pop(key) for key in ("name", "description", "first_mes")}
    data = st.fixed_dictionaries(needed, optional={**fields, "unheard_of": ANYTHING})
    return st.fixed_dictionaries(
        {"spec": st.just(spec), "spec_version": st.just(version), "data": data}
    )


V1_CARD = st.fixed_dictionaries(FLAT, optional={"avatar": TEXT, "chat": TEXT, "fav": st.booleans()})
V2_CARD = wrapped("chara_card_v2", "2.0", FLAT | V2)
V3_CARD = wrapped("chara_card_v3", "3.0", FLAT | V2 | V3)
# SillyTavern writes both: V1's fields beside V2's.
BOTH = st.builds(lambda flat, card: {**flat, **card}, V1_CARD, V2_CARD)
FLAT_V2 = st.fixed_dictionaries(FLAT, optional={**V2, "spec": st.just("chara_card_v2")})
PYGMALION = st.fixed_dictionaries(
    {"char_name": NAME, "char_persona": TEXT, "char_greeting": TEXT, "world_scenario": TEXT,
     "example_dialogue": TEXT}
)  # fmt: skip
WEBUI = st.fixed_dictionaries({"name": NAME, "context": TEXT, "greeting": TEXT})
KINDS = (V1_CARD, FLAT_V2, V2_CARD, V3_CARD, BOTH, PYGMALION, WEBUI)
ASSETS = st.dictionaries(
    st.sampled_from(["assets/icon/a.webp", "assets/背景/b.png", "x_meta/1.json", "module.risum"]),
    st.binary(max_size=40),
    max_size=3,
)
CARD = V1_CARD | FLAT_V2 | V2_CARD | V3_CARD | BOTH | PYGMALION | WEBUI

relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@relaxed
@given(CARD, st.sampled_from(FORMATS), st.sampled_from([None, blank("x", 4)]), ASSETS)
def test_what_came_in_goes_out_the_same(card, format, face, assets):
    there_and_back(card, format, face, assets)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_every_kind_of_card_in_every_format(kind, format):
    """Three cards of each pair, which chance alone might leave out: 84 cards at each run."""

    @settings(relaxed, max_examples=3)
    @given(KINDS[kind], ASSETS)
    def try_some(card, assets):
        there_and_back(card, format, blank("x", 4), assets)

    try_some()


def there_and_back(card, format, face, assets):
    first = read(json.dumps(card).encode(), "card.json")
    given = assets if format in ("png", "charx") else {}
    made = write(first.characters[0], format=format, lore=first.lore, face=face, assets=given)
    second = read(made, f"card.{format}")
    assert second.characters == first.characters
    assert second.lore == first.lore
    assert second.raw == first.raw == json.loads(json.dumps(card))
    assert second.assets == given
    if face and format in ("png", "charx"):
        assert second.face == face


def test_the_cards_made_here_have_every_field_that_the_specifications_name():
    v1 = {"name", "description", "personality", "scenario", "first_mes", "mes_example"}
    v2 = {
        "creator_notes", "system_prompt", "post_history_instructions", "alternate_greetings",
        "character_book", "tags", "creator", "character_version", "extensions",
    }  # fmt: skip
    v3 = {
        "assets", "nickname", "creator_notes_multilingual", "source", "group_only_greetings",
        "creation_date", "modification_date",
    }  # fmt: skip
    assert (set(FLAT), set(V2), set(V3)) == (v1, v2, v3)
    assert set(BOOK_FIELDS) == {
        "name", "description", "scan_depth", "token_budget", "recursive_scanning", "extensions",
    }  # fmt: skip
    assert set(NEEDED | OPTIONAL) == {
        "keys", "content", "extensions", "enabled", "insertion_order", "case_sensitive", "name",
        "priority", "id", "comment", "selective", "secondary_keys", "constant", "position",
        "use_regex", "unheard_of",
    }  # fmt: skip


@relaxed
@given(WORLD)
def test_a_world_file_goes_out_as_it_came(world):
    (book,) = read(json.dumps(world).encode(), "w.json").lore
    assert json.loads(write_lore(book)) == json.loads(json.dumps(world))
    (again,) = read(write_lore(book), "w.json").lore
    assert again == book


@settings(relaxed, max_examples=30)
@given(
    st.lists(V2_CARD | V1_CARD, min_size=1, max_size=3, unique_by=str),
    st.lists(WORLD, max_size=2),
    st.builds(
        Setting, *(st.sampled_from(["", "月下荒庙", "a {{user}} b"]),) * 4, st.integers(0, 99)
    ),
    st.booleans(),
)
def test_a_stage_set_comes_back_whole(cards, worlds, setting, owned):
    found = [read(json.dumps(card).encode(), "card.json") for card in cards]
    cast = [replace(one.characters[0], id=f"id{n}") for n, one in enumerate(found)]
    books = [read(json.dumps(world).encode(), "w.json").lore[0] for world in worlds]
    lore = [
        replace(book, name=f"{n}", owner="id0" if owned else "") for n, book in enumerate(books)
    ]
    members = [(one, blank(one.id, 4), file.lore) for one, file in zip(cast, found, strict=True)]
    again = read(write_group("戏", members, lore=lore, setting=setting), "g.zip")
    assert again.setting == setting
    assert [replace(one, id="") for one in again.characters] == [
        replace(one, id="") for one in cast
    ]
    owner = again.characters[0].id if owned else ""
    shared = again.lore[len(again.lore) - len(lore) :]
    assert shared == tuple(replace(book, owner=owner) for book in lore)
    assert len(again.faces) == len({one.id for one in again.characters})


@relaxed
@given(
    st.builds(
        lambda name, persona, style, greeting, lines, emoji: replace(
            load_cast()["wukong"],
            name=Words("悟空", name),
            persona=Words(persona or "一只猴子", persona or "A monkey"),
            style=Words("直爽", style),
            greeting=Lines(("来也！", greeting or "嗯"), ("Here!",)),
            lines=Lines(tuple(filter(None, lines)), ("Ha!",)),
            emoji=emoji,
        ),
        st.sampled_from(["Wukong", "Monkey 🐒"]),
        st.text(st.characters(codec="utf-8", categories=["L", "P", "Zs", "So"]), max_size=80).map(
            str.strip
        ),
        st.just("") | st.just("blunt"),
        st.text(st.characters(categories=["L"]), max_size=9),
        st.lists(st.text(st.characters(categories=["L"]), max_size=9), max_size=3),
        st.sampled_from(["", "🐒"]),
    ),
    st.sampled_from(FORMATS),
    st.sampled_from(["zh", "en"]),
)
def test_a_character_of_ours_comes_back_whole(character, format, language):
    if not character.style.en:
        character = replace(character, style=Words("直爽", "blunt"))
    made = write(character, format=format, language=language)
    assert read(made, f"x.{format}").characters == (character,)


@relaxed
@given(BOOK)
def test_a_book_goes_out_as_a_world_file_and_means_the_same(book):
    card = {
        "spec": "chara_card_v2",
        "data": {"name": "A", "first_mes": "x", "character_book": book},
    }
    found = read(json.dumps(card).encode(), "a.json").lore
    if found:
        again = read(write_lore(found[0]), "world.json").lore[0]
        plain = [replace(entry, raw="", patterns=False) for entry in again.entries]
        assert plain == [replace(e, raw="", patterns=False) for e in found[0].entries]
        assert read(write_lore(again), "world.json").lore[0].entries == again.entries


def test_the_whole_shipped_cast_in_every_format():
    face = blank("x", 4)
    for character in load_cast():
        for format in FORMATS:
            found = read(write(character, format=format, face=face), f"x.{format}")
            assert found.characters == (character,)
            assert found.face == (face if format in ("png", "charx") else None)


def test_the_files_of_a_charx_go_out_again():
    card = {
        "spec": "chara_card_v3",
        "data": {
            "name": "A",
            "first_mes": "x",
            "assets": [
                {
                    "type": "background",
                    "uri": "embeded://assets/b.webp",
                    "name": "b",
                    "ext": "webp",
                },
                {"type": "icon", "uri": "embeded://assets/i.png", "name": "main", "ext": "png"},
            ],
        },
    }
    files = {"assets/b.webp": b"RIFF....WEBP", "assets/i.png": blank("i", 2), "risu.json": b"{}"}
    made = write_zip({"card.json": json.dumps(card).encode(), **files})
    found = read(made, "a.charx")
    assert (found.face, found.assets) == (files["assets/i.png"], files)
    again = read(write(found.characters[0], format="charx", assets=found.assets), "a.charx")
    assert (again.assets, again.raw, again.characters) == (files, card, found.characters)
    new = blank("new", 2)
    other = read(
        write(found.characters[0], format="charx", assets=found.assets, face=new), "a.charx"
    )
    assert (other.face, other.raw) == (new, card)


def test_a_world_file_without_a_name_gets_none():
    world = {"entries": {"5": {"uid": 5, "key": ["a"], "content": "b"}}}
    found = read(json.dumps(world).encode(), "Eldoria.json").lore[0]
    assert found.name == "Eldoria"
    assert json.loads(write_lore(found)) == world


def test_what_is_edited_here_goes_out_edited_and_the_rest_stays():
    card = {
        "spec": "chara_card_v2",
        "spec_version": "2.0",
        "name": "Alice",
        "description": "old",
        "data": {
            "name": "Alice",
            "description": "old",
            "scenario": "A garden",
            "first_mes": "Hi",
            "creator_notes": "keep me",
            "extensions": {"chub": {"id": 7}},
        },
    }
    alice = read(json.dumps(card).encode(), "a.json").characters[0]
    edited = replace(alice, persona=Words("", "new"), greeting=Lines((), ("Ho", "Hey")))
    out = json.loads(write(edited, format="json"))
    assert out["description"] == out["data"]["description"] == "new"
    assert out["data"]["scenario"] == ""
    assert (out["data"]["first_mes"], out["data"]["alternate_greetings"]) == ("Ho", ["Hey"])
    assert out["data"]["creator_notes"] == "keep me"
    assert out["data"]["extensions"]["chub"] == {"id": 7}
    again = read(json.dumps(out).encode(), "a.json").characters[0]
    assert replace(again, source=None) == replace(edited, source=None)


def test_what_another_program_changed_in_our_card_counts():
    wukong = load_cast()["wukong"]
    card = json.loads(write(wukong, format="json", language="en"))
    card["data"]["description"] = "A different monkey."
    card["data"]["creator_notes"] = "by somebody"
    found = read(json.dumps(card).encode(), "w.json").characters[0]
    assert found.persona == Words(wukong.persona.zh, "A different monkey.")
    assert found.titles == wukong.titles
    assert json.loads(write(found, format="json"))["data"]["creator_notes"] == "by somebody"


def test_a_group_with_its_lore_in_one_file():
    cast = list(load_cast())[:3]
    made = write_group("西行", [(character, blank(character.id, 4), ()) for character in cast])
    found = read(made, "group.zip")
    assert (found.characters, found.group) == (tuple(cast), "西行")
    assert set(found.faces) == {character.id for character in cast}


def test_v2_fields_where_v1s_are_count_too():
    card = {
        "spec": "chara_card_v2",
        "name": "A",
        "first_mes": "x",
        "tags": ["t"],
        "system_prompt": "verse",
        "character_book": {"entries": [{"keys": ["k"], "content": "c"}]},
    }
    found = read(json.dumps(card).encode(), "a.json")
    (character,) = found.characters
    assert character.source
    assert (character.categories, character.source.system) == (("t",), "verse")
    assert found.lore[0].owner == character.id
    edited = replace(character, persona=Words("", "new"))
    out = json.loads(write(edited, format="json"))
    assert (out["description"], out["tags"]) == ("new", ["t"])
    again = read(json.dumps(out).encode(), "a.json").characters[0]
    assert replace(again, source=None) == replace(edited, source=None)


def test_a_card_without_a_face_comes_back_without_one_and_a_new_picture_is_a_face():
    wukong = next(c for c in load_cast() if c.id == "wukong")
    data = write(wukong, format="png")
    assert read(data, "wukong.png").face is None
    texts = {key: value.encode("latin-1") for key, value in pictures.texts(data, "x").items()}
    cards = {key: base64.b64decode(value) for key, value in texts.items()}
    swapped = pictures.with_texts(blank("another", 4), cards, "x")  # every text is left as it was
    assert read(swapped, "wukong.png").face == blank("another", 4)
