"""The links of a sampling (`engine.sampling`) as a chain of llama.cpp's samplers."""

from __future__ import annotations

import ctypes
from array import array
from typing import Any

import llama_cpp

from engine.llama.loading import forget_complaints, reason
from engine.llama.tokenizer import Tokenizer
from engine.sampling import Link
from engine.sequence import BadRequest

# A run of tokens begins anew after these. Without the colon a penalty would reach across turns, as
# names end with one; without the ends of sentences it would reach the token that ends a reply:
# whoever closes as he closed before could not stop, and talks on to the longest reply.
_BREAKERS = '\n：:"“。！？!?.…'


def make_chain(links: tuple[Link, ...], history: array[int], tokenizer: Tokenizer) -> Any:
    """A sampler chain that has seen the end of `history`; free it with llama_sampler_free.

    Raises:
        BadRequest: a grammar that does not parse, a bias on a token that is not there.
    """
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    for link in links:
        try:
            one = _make(link, tokenizer)
        except BadRequest:
            llama_cpp.llama_sampler_free(chain)
            raise
        if link.history:
            for token in history[-link.history :]:
                llama_cpp.llama_sampler_accept(one, token)
        llama_cpp.llama_sampler_chain_add(chain, one)
    return chain


def _make(link: Link, tokenizer: Tokenizer) -> Any:
    forget_complaints()
    one = _sampler(link, tokenizer)
    if not one:
        raise BadRequest(f"the {link.name} cannot be used: {reason('it does not parse')}")
    return one


def _sampler(link: Link, tokenizer: Tokenizer) -> Any:
    match link.name, link.values:
        case "greedy", ():
            return llama_cpp.llama_sampler_init_greedy()
        case "draw", (seed,):
            return llama_cpp.llama_sampler_init_dist(seed)
        case "temperature", (value,):
            return llama_cpp.llama_sampler_init_temp(value)
        case "top_k", (k,):
            return llama_cpp.llama_sampler_init_top_k(k)
        case "top_p", (p,):
            return llama_cpp.llama_sampler_init_top_p(p, 1)
        case "min_p", (p,):
            return llama_cpp.llama_sampler_init_min_p(p, 1)
        case "penalties", values:
            return llama_cpp.llama_sampler_init_penalties(tokenizer.size, *values)
        case "dry", (multiplier, base, allowed, last):
            texts = [mark.encode() for mark in _BREAKERS]
            breakers = (ctypes.c_char_p * len(texts))(*texts)
            return llama_cpp.llama_sampler_init_dry(
                tokenizer.vocab, multiplier, base, allowed, last, breakers, len(texts)
            )
        case "bias", flat:
            return _bias(list(zip(flat[::2], flat[1::2], strict=True)), tokenizer.size)
        case "grammar", (text,):
            return llama_cpp.llama_sampler_init_grammar(
                tokenizer.vocab, str(text).encode(), b"root"
            )
    raise AssertionError(f"no sampler for {link}")


def _bias(pairs: list[tuple[Any, Any]], vocabulary: int) -> Any:
    if any(not 0 <= int(token) < vocabulary for token, _ in pairs):
        raise BadRequest("bias names a token that the model does not have")
    biases = (llama_cpp.llama_logit_bias * len(pairs))()
    for bias, (token, value) in zip(biases, pairs, strict=True):
        bias.token, bias.bias = token, value
    return llama_cpp.llama_sampler_init_logit_bias(vocabulary, len(pairs), biases)
