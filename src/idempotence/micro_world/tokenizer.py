"""The micro world's tokenizer: one token per word and per number 0-100, and a chat template."""

from idempotence.micro_world.grammar import Grammar

PAD, BOS, USER, ASSISTANT, END, UNKNOWN = (
    "<|pad|>", "<|bos|>", "<|user|>", "<|assistant|>", "<|end|>", "<|unknown|>",
)  # fmt: skip
JUDGE_WORDS = ("rate", "coherence", "=")
CHAT_TEMPLATE = (
    "{{ '<|bos|>' }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<|user|>' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' }}"
    "{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ raise_exception('The micro world knows the roles user and assistant only.') }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def build_tokenizer(grammar: Grammar):
    """A `PreTrainedTokenizerFast` over every word of the grammar, the judge's words and 0-100."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = [PAD, BOS, USER, ASSISTANT, END, UNKNOWN]
    words = {*grammar.vocabulary(), *grammar.traits, *JUDGE_WORDS}
    tokens = [*special, *(str(n) for n in range(101)), *sorted(words)]
    core = Tokenizer(models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token=UNKNOWN))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=END,
        unk_token=UNKNOWN,
        additional_special_tokens=[USER, ASSISTANT],
        padding_side="left",
        model_max_length=256,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
