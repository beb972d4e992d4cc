"""The tokenizer: tokenizer.json and its settings in, the GGUF's `tokenizer.*` values out.

Byte-level BPE, and SentencePiece BPE where tokenizer.json has it (`byte_fallback`). Formats:
https://huggingface.co/docs/tokenizers (tokenizer.json) and
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md ("Tokenizer").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gguf.constants import TokenType

from quantize import sentencepiece
from quantize.error import ConvertError
from quantize.sentencepiece import is_byte
from quantize.weights import read_json

# How text is cut into words before merging: tokenizer.json's pattern -> llama.cpp's name for it,
# and whether llama.cpp then looks a whole word up before it merges (tokenizer.json:
# "ignore_merges"). The patterns are data from the published tokenizers; each is tested token by
# token. A pattern that is not here is refused: llama.cpp would read other tokens than the model
# was trained on, and nobody would notice.
_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_REST}"
LLAMA3 = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_REST}"
SPLITS: dict[str, tuple[str, bool]] = {
    GPT2: ("gpt-2", False),
    QWEN2: ("qwen2", False),
    LLAMA3: ("llama-bpe", True),
}
# Tokens that end a turn by their name; llama.cpp knows more of them, these are our families'.
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|end|>")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by id, their kinds, and the settings around them.

    `model` is "gpt2" (byte-level: `merges` in order) or "llama" (SentencePiece: `scores` by id,
    and `space_prefix`: whether texts begin with a space that nobody wrote). `special` maps bos,
    eos, eot, unk and pad to ids where the model has them. `add_bos` and `add_eos`: whether the
    tokenizer itself puts them around a text. `template` is the chat template, or several by name.
    """

    model: str
    pre: str
    tokens: tuple[str, ...]
    kinds: tuple[TokenType, ...]
    special: Mapping[str, int]
    add_bos: bool
    add_eos: bool
    merges: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    space_prefix: bool | None = None
    template: str | Sequence[Mapping[str, str]] | None = None
    notes: tuple[str, ...] = field(default=())


def read(folder: Path, rows: int, config: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of a Hugging Face folder, padded to the `rows` of the embedding.

    Raises ConvertError: no tokenizer.json, another kind of tokenizer than BPE, a pre-tokenizer or
    normalizer that llama.cpp has no equal for, ids twice or beyond the embedding, or values of
    another kind than the format has.
    """
    try:
        return _read(folder, rows, config)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as problem:
        raise ConvertError(
            f"{folder}: its tokenizer files hold something of another kind than the format has "
            f"({type(problem).__name__}: {str(problem)[:120]})"
        ) from problem


def _read(folder: Path, rows: int, config: Mapping[str, Any]) -> Vocabulary:
    path = folder / "tokenizer.json"
    if not path.is_file():
        if (folder / "tokenizer.model").is_file():
            raise ConvertError(
                f"{folder} has its tokenizer in tokenizer.model only; save it as tokenizer.json "
                "(transformers' AutoTokenizer does)"
            )
        raise ConvertError(f"{path} is missing")
    tokenizer = read_json(path)
    settings_path = folder / "tokenizer_config.json"
    settings = read_json(settings_path) if settings_path.is_file() else {}
    model = tokenizer.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        kind = model.get("type") if isinstance(model, dict) else None
        raise ConvertError(f"{path}: a tokenizer of kind {kind!r} is not known; known is BPE")
    for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(option):
            raise ConvertError(f"{path}: {option} is not known to llama.cpp")
    notes: list[str] = []
    tokens, kinds = _tokens(model, tokenizer.get("added_tokens") or [], rows, path, notes)
    if model.get("byte_fallback"):
        unknown = model.get("unk_token") or _text(settings.get("unk_token"))
        kinds = [
            TokenType.UNKNOWN if text == unknown else kind
            for text, kind in zip(tokens, kinds, strict=True)
        ]
    spelling: dict[str, Any]
    if model.get("byte_fallback"):
        spelling = _pieces(tokenizer, model, tokens, kinds, path, notes)
    else:
        spelling = _byte_level(tokenizer, model, path, notes)
    add_bos, add_eos = _added(tokenizer.get("post_processor"), settings)
    ids = {token: number for number, token in enumerate(tokens)}
    return Vocabulary(
        tokens=tuple(tokens),
        kinds=tuple(kinds),
        special=_special(folder, settings, config, ids, kinds, notes),
        add_bos=add_bos,
        add_eos=add_eos,
        template=_template(folder, settings),
        notes=tuple(notes),
        **spelling,
    )


def _byte_level(
    tokenizer: Mapping[str, Any], model: Mapping[str, Any], path: Path, notes: list[str]
) -> dict[str, Any]:
    """What only byte-level BPE has: the word split and the merges."""
    if model.get("unk_token"):
        raise ConvertError(f"{path}: neither byte-level BPE nor SentencePiece (it has unk_token)")
    pre, whole_words = _split(tokenizer.get("pre_tokenizer"), path)
    if bool(model.get("ignore_merges", False)) != whole_words:
        raise ConvertError(
            f"{path}: ignore_merges is {model.get('ignore_merges', False)}, but llama.cpp takes "
            f"it as {whole_words} for the pre-tokenizer {pre}"
        )
    _check_normalizer(tokenizer.get("normalizer"), path, notes)
    merges = tuple(f"{left} {right}" for left, right in _merges(model.get("merges"), path))
    return {"model": "gpt2", "pre": pre, "merges": merges}


def _pieces(
    tokenizer: Mapping[str, Any],
    model: Mapping[str, Any],
    tokens: Sequence[str],
    kinds: Sequence[TokenType],
    path: Path,
    notes: list[str],
) -> dict[str, Any]:
    """What only SentencePiece has: scores, and the space before a text."""
    prefix = sentencepiece.space_prefix(tokenizer, path, notes)
    merges = _merges(model.get("merges"), path)
    unwritten = (TokenType.CONTROL, TokenType.UNKNOWN, TokenType.BYTE)
    control = frozenset(t for t, kind in zip(tokens, kinds, strict=True) if kind in unwritten)
    by_token = sentencepiece.scores(model["vocab"], merges, path, notes, control)
    scores = tuple(by_token.get(token, 0.0) for token in tokens)
    return {"model": "llama", "pre": "default", "scores": scores, "space_prefix": prefix}


def _split(pre: Any, path: Path) -> tuple[str, bool]:
    """llama.cpp's name of a pre-tokenizer, and whether whole words come before merges."""
    steps = pre.get("pretokenizers", [pre]) if isinstance(pre, dict) else []
    known = ", ".join(sorted(name for name, _ in SPLITS.values()))
    shown: Any = pre
    if steps and steps[-1].get("type") == "ByteLevel":
        *before, last = steps
        if last.get("add_prefix_space"):
            raise ConvertError(f"{path}: add_prefix_space is not known for byte-level BPE")
        if not before and last.get("use_regex", True):
            return SPLITS[GPT2]
        if len(before) == 1 and before[0].get("type") == "Split":
            pattern = before[0].get("pattern", {}).get("Regex")
            plain = before[0].get("behavior") == "Isolated" and not before[0].get("invert")
            if plain and not last.get("use_regex", True) and pattern in SPLITS:
                return SPLITS[pattern]
            shown = pattern
    raise ConvertError(
        f"{path}: the pre-tokenizer {str(shown)[:300]} is not known; known are those of {known}"
    )


def _check_normalizer(normalizer: Any, path: Path, notes: list[str]) -> None:
    if normalizer is None or normalizer == {"type": "Sequence", "normalizers": []}:
        return
    if isinstance(normalizer, dict) and normalizer.get("type") == "NFC":
        notes.append(
            "the tokenizer composes characters first (NFC) and llama.cpp does not: normalise "
            "texts that may hold combining marks"
        )
        return
    raise ConvertError(f"{path}: the normalizer {str(normalizer)[:200]} is not known to llama.cpp")


def _tokens(
    model: Mapping[str, Any], added: Sequence[Any], rows: int, path: Path, notes: list[str]
) -> tuple[list[str], list[TokenType]]:
    """Tokens and kinds by id, `rows` of them; ids nobody uses are filled with [PADn]."""
    by_id: dict[int, str] = {}
    kind: dict[int, TokenType] = {}
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, dict) or not vocabulary:
        raise ConvertError(f"{path}: the vocabulary is empty")
    bytewise = bool(model.get("byte_fallback"))
    for text, number in vocabulary.items():
        if not isinstance(number, int) or by_id.setdefault(number, text) != text:
            raise ConvertError(
                f"{path}: two tokens have the id {number}: {by_id[number]!r}, {text!r}"
            )
        kind[number] = TokenType.BYTE if bytewise and is_byte(text) else TokenType.NORMAL
    for entry in added:
        text, number = str(entry["content"]), int(entry["id"])
        if by_id.setdefault(number, text) != text:
            raise ConvertError(
                f"{path}: two tokens have the id {number}: {by_id[number]!r}, {text!r}"
            )
        marked = bool(entry.get("special")) or looks_like_markup(text)
        kind[number] = TokenType.CONTROL if marked else TokenType.USER_DEFINED
        if entry.get("lstrip") or entry.get("rstrip") or entry.get("single_word"):
            notes.append(f"llama.cpp does not know lstrip, rstrip and single_word of {text!r}")
    if min(by_id) < 0 or max(by_id) >= rows:
        raise ConvertError(
            f"{path}: token {by_id[max(by_id)]!r} has the id {max(by_id)}, "
            f"but the embedding has {rows} rows"
        )
    if gaps := rows - len(by_id):
        notes.append(f"{gaps} rows of the embedding belong to no token and are marked unused")
    return (
        [by_id.get(number, f"[PAD{number}]") for number in range(rows)],
        [kind.get(number, TokenType.UNUSED) for number in range(rows)],
    )


def looks_like_markup(text: str) -> bool:
    """Whether an added token is a control token whatever its flag says: `<|…|>`, `<｜…｜>`.

    Qwen2.5 leaves `<|fim_prefix|>` and its kin unmarked; a person who types them must not reach
    them.
    """
    return text.startswith(("<|", "<｜")) and text.endswith(("|>", "｜>"))


def _merges(merges: Any, path: Path) -> list[tuple[str, str]]:
    """Pairs in order of rank. tokenizer.json has them as "left right", or as pairs since 2024."""
    if not isinstance(merges, list):
        raise ConvertError(f"{path}: the merges are missing")
    pairs = []
    for merge in merges:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2 or any(" " in part for part in pair):
            raise ConvertError(f"{path}: the merge {merge!r} is not a pair of tokens")
        pairs.append((str(pair[0]), str(pair[1])))
    return pairs


def _added(processor: Any, settings: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the tokenizer puts a token before and behind a text.

    The post-processor decides, because it is what runs; without one, tokenizer_config.json.
    """
    steps = processor.get("processors", [processor]) if isinstance(processor, dict) else []
    for step in steps:
        if step.get("type") == "TemplateProcessing" and (single := step.get("single")):
            return "SpecialToken" in single[0], "SpecialToken" in single[-1]
    if any(step.get("type") == "ByteLevel" for step in steps):
        return False, False
    return bool(settings.get("add_bos_token")), bool(settings.get("add_eos_token"))


def _special(
    folder: Path,
    settings: Mapping[str, Any],
    config: Mapping[str, Any],
    ids: Mapping[str, int],
    kinds: Sequence[TokenType],
    notes: list[str],
) -> dict[str, int]:
    """bos, eos, unk, pad: tokenizer_config.json names them, else config.json numbers them. eot:
    the token that ends a turn, where it is not eos."""
    special: dict[str, int] = {}
    for role in ("bos", "eos", "unk", "pad"):
        text = _text(settings.get(f"{role}_token"))
        numbered = config.get(f"{role}_token_id")
        if text is not None and text in ids:
            special[role] = ids[text]
            if isinstance(numbered, int) and numbered != ids[text]:
                notes.append(
                    f"{role} is {text!r} ({ids[text]}) by tokenizer_config.json and {numbered} by "
                    "config.json; the former is taken"
                )
        elif isinstance(numbered, int) and 0 <= numbered < len(kinds):
            if kinds[numbered] != TokenType.NORMAL:
                special[role] = numbered
            else:
                notes.append(f"config.json's {role}_token_id {numbered} is no special token")
    generation = folder / "generation_config.json"
    asked = read_json(generation).get("eos_token_id") if generation.is_file() else None
    ends = [n for n in (asked if isinstance(asked, list) else [asked]) if isinstance(n, int)]
    ends += [ids[text] for text in _TURN_ENDS if text in ids]
    for number in ends:
        in_range = 0 <= number < len(kinds) and kinds[number] == TokenType.CONTROL
        if in_range and number != special.get("eos"):
            special["eot"] = number
            break
    return special


def _text(named: Any) -> str | None:
    """The text of a special token: tokenizer_config.json has it plain or as {"content": …}."""
    text = named.get("content") if isinstance(named, dict) else named
    return text if isinstance(text, str) else None


def _template(
    folder: Path, settings: Mapping[str, Any]
) -> str | Sequence[Mapping[str, str]] | None:
    """The chat template: its own file (transformers 4.51 and later), else tokenizer_config.json."""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    template = settings.get("chat_template")
    return template if isinstance(template, str | list) else None
