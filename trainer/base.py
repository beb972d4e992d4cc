"""The base model of a tuning: checked, loaded as the recipe says, with its adapter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import is_flash_attn_2_available

from trainer import attention, loss, shards
from trainer.precision import precision as precision
from trainer.recipe import Tuning
from trainer.shards import Weights
from trainer.vocabulary import load_tokenizer


class BaseError(ValueError):
    """A base model that is not the recipe's, or hardware that cannot follow the recipe."""

    for_user = True


def check(recipe: Tuning) -> Any:
    """Everything that can be wrong before hours are spent. Returns the base's tokenizer.

    Raises:
        WeightsError: the folder or a shard is missing or cut off.
        BaseError: another shape than the recipe's, a tokenizer that does not go with the weights,
            or no GPU where the recipe needs one.
    """
    base, folder = recipe.base, Path(recipe.base.folder)
    weights = Weights(folder)
    config = shards.read_json(folder / "config.json")
    if config.get("model_type") == "internlm2":
        raise BaseError(f"{folder}: is in InternLM2's own layout; run `mrp base` on it first")
    told = {
        "layers": config.get("num_hidden_layers"),
        "width": config.get("hidden_size"),
        "heads": config.get("num_attention_heads"),
        "groups": config.get("num_key_value_heads", config.get("num_attention_heads")),
        "feed_forward": config.get("intermediate_size"),
        "vocabulary": config.get("vocab_size"),
        "tied": bool(config.get("tie_word_embeddings", False)),
    }
    for key, value in told.items():
        if value != getattr(base, key):
            raise BaseError(
                f"{folder}: {key} is {value}, but the recipe's base.{key} is {getattr(base, key)}: "
                "this recipe is for another base"
            )
    rows = weights.entry("model.embed_tokens.weight").shape[0]
    if rows != base.vocabulary:
        raise BaseError(f"{folder}: the embedding has {rows} rows, config.json says otherwise")
    if not (folder / "tokenizer.json").is_file():
        raise BaseError(f"{folder}: tokenizer.json is missing")
    tokenizer = load_tokenizer(folder)
    if len(tokenizer) > rows:
        raise BaseError(f"{folder}: {len(tokenizer)} tokens, but the embedding has {rows} rows")
    markup = recipe.prompt.style.markup
    for text in markup.control:
        if len(tokenizer.encode(text, add_special_tokens=False)) != 1:
            raise BaseError(
                f"{folder}: {text!r} is no single token here, but prompt.markup = "
                f"{markup.name!r} needs it: take a chat model of that family"
            )
    if not torch.cuda.is_available() and recipe.train.optimizer != "adamw":
        raise BaseError(
            f"train.optimizer = {recipe.train.optimizer!r} needs a CUDA GPU, and there is none "
            'here: train on a machine with one, or set it to "adamw" (a CPU is for small models)'
        )
    return tokenizer


def load(recipe: Tuning, adapter: Path | None = None) -> Any:
    """The model, ready to train: quantized and with a fresh adapter, or the one in `adapter`.

    Raises:
        BaseError: the adapter is for another base.
    """
    cuda, method = torch.cuda.is_available(), recipe.method
    settings: dict[str, Any] = {}
    if method.kind == "qlora":
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=method.double_quant,
            bnb_4bit_compute_dtype=precision(recipe),
        )
    place = int(os.environ.get("LOCAL_RANK", "0")) if cuda else "cpu"
    if not cuda:
        attention_kind = attention.install()
    else:
        attention_kind = "flash_attention_2" if is_flash_attn_2_available() else "sdpa"
    model = AutoModelForCausalLM.from_pretrained(
        recipe.base.folder,
        # All weights are trained in float32 and used in `precision(recipe)` by autocast.
        dtype=torch.float32 if method.kind == "full" else precision(recipe),
        device_map={"": place},
        attn_implementation=attention_kind,
        local_files_only=True,
        **settings,
    )
    model.config.use_cache = False
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            # On a CPU, listening once would repack the 4-bit weights for good and round their
            # scales: the run would go on with another base.
            module.support_avx512bf16_for_cpu = False
    if recipe.train.checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    loss.install(model, recipe.train.loss_chunk)
    if method.kind == "full":
        return model
    model.requires_grad_(False)
    if recipe.train.embeddings_on_cpu:
        model.set_input_embeddings(CpuEmbedding(model.get_input_embeddings().weight, place))
    if recipe.train.checkpointing:  # else no gradient need reach below the first adapter
        model.enable_input_require_grads()
    if adapter is not None:
        check_adapter(adapter, recipe)
        return PeftModel.from_pretrained(model, adapter, is_trainable=True)
    torch.manual_seed(recipe.seed)
    return get_peft_model(
        model,
        LoraConfig(
            r=method.rank,
            lora_alpha=method.alpha,
            lora_dropout=method.dropout,
            **_targets(recipe),
            task_type="CAUSAL_LM",
        ),
    )


def _targets(recipe: Tuning) -> dict[str, Any]:
    """Which matrices get adapters: all but the output matrix, from `method.first_layer` on."""
    first = recipe.method.first_layer
    if not first:
        return {"target_modules": "all-linear"}
    # PEFT takes layers only where the matrices are named.
    matrices = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    return {
        "target_modules": list(matrices),
        "layers_to_transform": list(range(first, recipe.base.layers)),
    }


def check_adapter(adapter: Path, recipe: Tuning) -> None:
    """Raises BaseError when the adapter is not there or for another base."""
    told = shards.read_json(adapter / "adapter_config.json")
    if not isinstance(told.get("r"), int):
        raise BaseError(f"{adapter}: adapter_config.json says no rank")
    weights = Weights(adapter, single="adapter_model.safetensors")
    first = recipe.method.first_layer
    for name, entry in weights.entries.items():
        if name.endswith(f"layers.{first}.self_attn.q_proj.lora_A.weight"):
            if entry.shape[1] != recipe.base.width:
                raise BaseError(
                    f"{adapter}: was trained on a base of width {entry.shape[1]}, not "
                    f"{recipe.base.width}: it is for another base"
                )
            return
    raise BaseError(f"{adapter}: holds no adapter of ours (layer {first} has no q_proj)")


class CpuEmbedding(nn.Module):
    """Frozen input embeddings that stay in RAM: only the rows that are read travel."""

    def __init__(self, weight: Tensor, device: Any) -> None:
        super().__init__()
        # No parameter and no buffer: whoever moves the model leaves it where it is.
        self.__dict__["weight"] = weight.detach().to("cpu")
        self.__dict__["device"] = torch.device(device)

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids.cpu(), self.__dict__["weight"]).to(self.__dict__["device"])
