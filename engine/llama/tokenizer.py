"""A GGUF's tokenizer: text to token ids and back, with control tokens out of reach of what people
type."""

from __future__ import annotations

import ctypes
import itertools
import re
from typing import Any

import llama_cpp

from engine.sequence import EngineError


class Tokenizer:
    """The vocabulary of a loaded model.

    `ending` are the tokens that end a reply: any control token, for a reply cannot open a block.
    """

    def __init__(self, vocab: Any) -> None:
        self.closed = False
        self.size = int(llama_cpp.llama_vocab_n_tokens(vocab))
        self.vocab = vocab
        self.ending = tuple(token for token in range(self.size) if self._is_control(token))
        self._ending = frozenset(self.ending)
        self._pieces: dict[int, bytes] = {}

    def _is_control(self, token: int) -> bool:
        if llama_cpp.llama_vocab_is_eog(self.vocab, token):
            return True
        if llama_cpp.llama_vocab_is_control(self.vocab, token):
            return True
        # llama.cpp finds tokens of this kind in typed text too. Some files have their fences so.
        defined = llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
        attributes = llama_cpp.llama_vocab_get_attr(self.vocab, token)
        return bool(attributes & defined) and looks_like_markup(self.text(token))

    def text(self, token: int) -> str:
        """A token as the vocabulary spells it."""
        spelled: bytes = llama_cpp.llama_vocab_get_text(self.vocab, token)
        return spelled.decode("utf-8", "replace")

    @property
    def begin(self) -> str:
        """The BOS token that the file wants before everything; "" where it wants none."""
        token = llama_cpp.llama_vocab_bos(self.vocab)
        wanted = llama_cpp.llama_vocab_get_add_bos(self.vocab)
        return self.text(token) if wanted and token >= 0 else ""

    @property
    def end(self) -> str:
        """The EOS token that the file names; "" where it has none."""
        token = llama_cpp.llama_vocab_eos(self.vocab)
        return self.text(token) if token >= 0 else ""

    def ends(self, token: int) -> bool:
        """Whether a token ends a reply."""
        return token in self._ending

    def piece(self, token: int) -> bytes:
        """A token's bytes; none for control tokens."""
        if token not in self._pieces:
            buffer = ctypes.create_string_buffer(256)
            n = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, 256, 0, False)
            if n < 0:  # a token longer than the buffer
                buffer = ctypes.create_string_buffer(-n)
                n = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, -n, 0, False)
            self._pieces[token] = buffer.raw[: max(0, n)]
        return self._pieces[token]

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text; nothing is added before or after it. Control tokens are recognised
        only where `control` is true.

        Raises:
            EngineError: the engine is closed, or llama.cpp cannot read the text.
        """
        if self.closed:
            raise EngineError("the engine is closed")
        if control:
            return self._tokenize(text, True)
        tokens: list[int] = []
        pending = [text]
        while pending:
            part = pending.pop()
            found = self._tokenize(part, False)
            typed = {token for token in found if token in self._ending}
            if not typed:
                tokens += found
                continue
            # llama.cpp's SentencePiece merges "</" and "s>" into the control token. Read in two
            # parts it stays what was typed.
            names = [name for token in typed if len(name := self.text(token)) > 1 and name in part]
            if not names:
                tokens += [token for token in found if token not in self._ending]
                continue
            anywhere = re.compile("|".join(f"(?={re.escape(name)})" for name in names))
            cuts = [0, *(match.start() + 1 for match in anywhere.finditer(part)), len(part)]
            pieces = [part[a:b] for a, b in itertools.pairwise(cuts)]
            pending += reversed(pieces)
        return tokens

    def _tokenize(self, text: str, control: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        most = len(data) + 1  # no token is shorter than a byte
        ids = (llama_cpp.llama_token * most)()
        n = llama_cpp.llama_tokenize(self.vocab, data, len(data), ids, most, False, control)
        if n < 0:
            raise EngineError(f"a text of {len(text)} characters could not be encoded")
        return list(ids[:n])


def looks_like_markup(text: str) -> bool:
    """Whether a token is a control token whatever its type says: `<|…|>`, `<｜…｜>`."""
    return text.startswith(("<|", "<｜")) and text.endswith(("|>", "｜>"))
