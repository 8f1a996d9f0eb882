"""Tokenizers with the chat templates of real models, rebuilt small.

The templates are written from what those models render: as far as the tests need, that is for a
user's message and a reply, without tools.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

QWEN2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SMOLLM2 = QWEN2.replace("a helpful assistant.", "a helpful AI assistant named SmolLM")
QWEN3 = (
    "{%- for message in messages %}{%- if message.role == 'user' %}"
    "{{- '<|im_start|>user\n' + message.content + '<|im_end|>\n' }}"
    "{%- elif message.role == 'assistant' %}"
    "{%- set content = message.content %}{%- set thought = '' %}"
    "{%- if '</think>' in content %}"
    "{%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1] %}"
    "{%- set content = content.split('</think>')[-1].lstrip('\n') %}{%- endif %}"
    "{{- '<|im_start|>assistant\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' }}"
    "{{- content.lstrip('\n') + '<|im_end|>\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}"
)
PHI3 = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '<|user|>\n' + message['content'] + '<|end|>\n' }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ '<|assistant|>\n' + message['content'] + '<|end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}"
    "{% if message['role'] == 'assistant' %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
LLAMA3 = (
    "{{- bos_token }}{%- if not date_string is defined %}"
    "{%- if strftime_now is defined %}{%- set date_string = strftime_now('%d %b %Y') %}"
    "{%- else %}{%- set date_string = '26 Jul 2024' %}{%- endif %}{%- endif %}"
    "{{- '<|start_header_id|>system<|end_header_id|>\n\n' }}"
    "{{- 'Cutting Knowledge Date: December 2023\n' }}"
    "{{- 'Today Date: ' + date_string + '\n\n<|eot_id|>' }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{{- message['content'] | trim + '<|eot_id|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)


@dataclass(frozen=True)
class Family:
    """What a model's tokenizer has. turn_end: ends a reply. eos: the tokenizer's own end token.

    special, added: control tokens. absorbs: whether special tokens take blanks behind them away.
    """

    template: str
    turn_end: str
    eos: str
    special: tuple[str, ...]
    bos: str | None = None
    added: tuple[str, ...] = ()
    absorbs: bool = False


CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
FAMILIES = {
    "qwen2": Family(QWEN2, "<|im_end|>", "<|im_end|>", CHATML),
    "qwen3": Family(QWEN3, "<|im_end|>", "<|im_end|>", CHATML, added=("<think>", "</think>")),
    "smollm2": Family(SMOLLM2, "<|im_end|>", "<|im_end|>", CHATML, bos="<|im_start|>"),
    "phi3": Family(
        PHI3, "<|end|>", "<|endoftext|>",
        ("<s>", "<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>"), bos="<s>", absorbs=True,
    ),
    "gemma": Family(
        GEMMA, "<end_of_turn>", "<eos>",
        ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"), bos="<bos>",
    ),
    "llama3": Family(
        LLAMA3, "<|eot_id|>", "<|end_of_text|>",
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
         "<|eot_id|>"), bos="<|begin_of_text|>",
    ),
}  # fmt: skip
# As in Qwen2, Llama 3 and their kind: line breaks that follow each other are one word.
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CORPUS = [
    "Hello there.\n\nHow are you?\n\n\nI am well, 75 and 80.\n", "user\n\nassistant\n\nmodel\n\n",
    "system\nYou are a helpful assistant.\n", "You think so, and so it is to think.\n\n",
] * 20  # fmt: skip


def make_family(name: str):
    """A byte-level BPE tokenizer with the control tokens and the template of a family."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    family = FAMILIES[name]
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
    core.train_from_iterator(CORPUS, trainer)
    core.add_special_tokens(
        [AddedToken(text, rstrip=family.absorbs, normalized=False) for text in family.special]
    )
    core.add_tokens([AddedToken(text, normalized=False) for text in family.added])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=family.bos, eos_token=family.eos,
        pad_token=family.special[0],
        chat_template=family.template, name_or_path=name, clean_up_tokenization_spaces=False,
    )  # fmt: skip


def make_family_model(folder: Path, name: str, ends: Sequence[str], window: int = 0) -> Path:
    """A Llama of random weights with a family's tokenizer.

    ends: end tokens of its generation config. window: a Mistral, whose layers look at so many
    tokens.
    """
    return _save_model(folder, make_family(name), ends, window)


def make_pieces_model(folder: Path) -> Path:
    """A model whose tokenizer has pieces with and without a blank before them ("▁75", "75")."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = ["<unk>", "</s>", "▁", "▁75", "75", "▁80", "80", "▁so", "so", *"0123456789"]
    core = Tokenizer(models.WordLevel({p: i for i, p in enumerate(pieces)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    core.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="</s>", unk_token="<unk>", pad_token="</s>",
        chat_template="{% for m in messages %}{{ m['content'] }}</s>{% endfor %}",
    )  # fmt: skip
    return _save_model(folder, tokenizer, [], 0)


def _save_model(folder: Path, tokenizer, ends: Sequence[str], window: int) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    ids = [tokenizer.convert_tokens_to_ids(end) for end in ends] or None
    shape = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "max_position_embeddings": 1024, "eos_token_id": ids, "bos_token_id": None,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    torch.manual_seed(0)
    model = (
        MistralForCausalLM(MistralConfig(**shape, sliding_window=window))
        if window
        else LlamaForCausalLM(LlamaConfig(**shape))
    )
    model.generation_config.eos_token_id = ids
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
