"""A Python package that holds a small language model as GGUF, in a folder that pip can use."""

import json
import zipfile
from pathlib import Path

PACKAGE, VERSION, FILE = "small-llama", "1.0", "small_llama/model.gguf"


def make_package(model: Path, wheels: Path) -> Path:
    """Write a wheel whose file of weights is a model of `make_model(..., "llama")`; its GGUF."""
    wheels.mkdir(parents=True, exist_ok=True)
    weights = wheels / "model.gguf"
    write_gguf(model, weights)
    about = f"{PACKAGE.replace('-', '_')}-{VERSION}.dist-info"
    with zipfile.ZipFile(wheels / f"small_llama-{VERSION}-py3-none-any.whl", "w") as wheel:
        wheel.write(weights, FILE)
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", f"{FILE},,\n{about}/METADATA,,\n{about}/WHEEL,,\n")
    return weights


def write_gguf(model: Path, path: Path) -> None:
    """A Llama model's folder as one file in float32; names and order of weights as llama.cpp's."""
    import gguf
    from transformers import AutoModelForCausalLM, AutoTokenizer

    own, tokenizer = (
        AutoModelForCausalLM.from_pretrained(model),
        AutoTokenizer.from_pretrained(model),
    )
    config = own.config
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(pieces)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(pieces))
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(pair) for pair in merges])
    for name, add in (("bos", writer.add_bos_token_id), ("eos", writer.add_eos_token_id),
                      ("pad", writer.add_pad_token_id)):  # fmt: skip
        if getattr(tokenizer, f"{name}_token_id") is not None:
            add(getattr(tokenizer, f"{name}_token_id"))
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, weight in own.state_dict().items():
        if name == "lm_head.weight":
            continue  # the embedding's
        value = weight.numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        for part, count in heads.items():
            if part in name:  # llama.cpp pairs neighbouring dimensions of a head's rotation
                rows = value.shape[0] // count // 2
                value = value.reshape(count, 2, rows, -1).swapaxes(1, 2).reshape(value.shape)
        writer.add_tensor(names.get_name(name, (".weight",)), value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
