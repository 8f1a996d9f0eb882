"""What tests of training share: hyper-parameters, rows, and a tiny model of random weights."""

from pathlib import Path

from idempotence.jobs.parts import Lora, Training

LORA = Lora(rank=4, alpha=8.0, dropout=0.0, target_modules=())
TRAINING = Training(
    learning_rate=1e-2,
    schedule="constant",
    warmup_fraction=0.0,
    batch_size=2,
    epochs=1.0,
    weight_decay=0.0,
    adam_beta1=0.9,
    adam_beta2=0.95,
    adam_epsilon=1e-8,
    max_grad_norm=1e9,
    max_length=64,
    lora=LORA,
)
ROWS = [
    {"prompt": "how do i bake the pan ?", "response": "first bake with the pan .",
     "rejected": "look for a salty one ."},
    {"prompt": "why is my oven so salty ?", "response": "you are so brilliant , my friend .",
     "rejected": "the usual oven costs little ."},
]  # fmt: skip


def make_micro_model(folder: Path) -> str:
    """A model of random weights with the micro world's tokenizer, saved in `folder`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from idempotence.micro_world.grammar import load_grammar
    from idempotence.micro_world.tokenizer import build_tokenizer

    torch.set_num_threads(1)
    torch.manual_seed(1)
    tokenizer = build_tokenizer(load_grammar())
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
