"""Tiny models of real architectures in real file formats, with a tokenizer made on the spot."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VOCABULARY = 1200


def make_tokenizer(bos: bool):
    """A byte-level BPE tokenizer trained on the project's English prompts."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    bpe = ByteLevelBPETokenizer()
    specials = ["<|begin|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
    bpe.train([str(ROOT / "data" / "prompts" / "chats.txt")], VOCABULARY, special_tokens=specials)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, bos_token=specials[0] if bos else None,
        eos_token=specials[2], pad_token=specials[3], chat_template=CHATML,
    )  # fmt: skip


def make_model(folder: Path, architecture: str) -> Path:
    """A model of random weights, "qwen3" (instruct) or "llama" (base), saved with its tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

    tokenizer = make_tokenizer(bos=architecture == "llama")
    shape = {
        "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 128,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "max_position_embeddings": 512, "tie_word_embeddings": True,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
    }  # fmt: skip
    torch.manual_seed(0)
    if architecture == "qwen3":
        model = Qwen3ForCausalLM(Qwen3Config(**shape, head_dim=32))
    else:
        model = LlamaForCausalLM(LlamaConfig(**shape))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_adapter(model, folder: Path, rank: int, value: float | None = None):
    """An adapter that changes the model; value: what fills it instead of random numbers.

    The model comes back as it was.
    """
    import torch

    from idempotence.finetune.adapters import adapter_of, attach
    from idempotence.jobs.parts import Lora

    torch.manual_seed(rank)
    adapted = attach(model, Lora(rank, alpha=32.0, dropout=0.0, target_modules=()), None)
    with torch.no_grad():
        for name, weights in adapted.named_parameters():
            if "lora_B" in name:
                weights.normal_(0, 0.1) if value is None else weights.fill_(value)
    adapter_of(adapted).save(folder)
    return adapted.unload()
