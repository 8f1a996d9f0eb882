"""The vLLM engine: all adapters of a panel in one start, on GPUs; on CPUs for tests.

Runs in vLLM's own environment (requirements-vllm.txt), where nothing of the workflow else is.
"""

import math
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from idempotence.engine.adapter_files import CONFIG, WEIGHTS
from idempotence.engine.base import Batch, Engine, NotFiniteError, Request, Sampled, added_up
from idempotence.engine.models import Weights, end_tokens, fix_threads, load_tokenizer
from idempotence.engine.options import VllmOptions
from idempotence.errors import UserError
from idempotence.io import read_json
from idempotence.vllm_limits import MAX_TOP_LOGPROBS, room_for

# NVIDIA's compute capability from which vLLM's results do not depend on what else is in a batch
BATCH_INVARIANT_FROM = 80
TOKENS_A_STEP = 2048  # at least so many are computed side by side


class VllmEngine(Engine):
    """`Engine` on vLLM, which starts at the first call; see `idempotence.engine.base.Engine`.

    adapters: the folders that are going to be sampled from.
    """

    def __init__(self, weights: Weights, options: VllmOptions, adapters: Sequence[Path] = ()):
        self.tokenizer = load_tokenizer(weights)
        self.ends = end_tokens(weights, self.tokenizer)
        self.weights, self.options = weights, options
        self.numbers = {folder: i for i, folder in enumerate(adapters, start=1)}

    @cached_property
    def _length(self) -> int:
        """Most tokens of a prompt and its text together."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(
            self.weights.path, revision=self.weights.revision, trust_remote_code=False
        ).get_text_config()
        own = getattr(config, "max_position_embeddings", None) or self.options.max_length
        return min(own, self.options.max_length)

    @cached_property
    def _llm(self):
        """The running engine. Raises UserError when the model cannot be served so."""
        _set_environment(self.options.gpus)
        from vllm import LLM

        weights = self.weights
        try:
            return LLM(
                weights.path, revision=weights.revision, tokenizer_revision=weights.revision,
                dtype=weights.dtype, trust_remote_code=False, load_format="safetensors",
                # each request sets all parameters of sampling, the end token too
                generation_config="vllm", max_logprobs=MAX_TOP_LOGPROBS, seed=0,
                # a prompt is read in one step: what is drawn after a part of it would move the
                # request's random numbers on (and stops the CPU build)
                enable_chunked_prefill=False,
                max_num_batched_tokens=max(self._length, TOKENS_A_STEP),
                max_model_len=self._length, tensor_parallel_size=max(self.options.gpus, 1),
                gpu_memory_utilization=self.options.memory_share,
                enforce_eager=self.options.gpus == 0,  # compiling would take minutes there
                disable_log_stats=True, **self._lora_arguments(),
            )  # fmt: skip
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(
                f"vLLM cannot serve {weights.path}: {error}\nSee docs/engines.md, Memory; the "
                "keys are engine.memory_share, engine.max_length and the model's gpus."
            ) from error

    def _lora_arguments(self) -> dict:
        if not self.numbers:
            return {}
        configs = [read_json(adapter / CONFIG) for adapter in self.numbers]
        modules = {
            name.rpartition(".")[-1] for config in configs for name in config["target_modules"]
        }
        slots = min(len(self.numbers), self.options.adapters_at_once)
        if self.options.gpus == 0:
            # the CPU build gives tokens without an adapter the last slot's: one is left empty
            slots = len(self.numbers) + 1
        return {
            "enable_lora": True,
            "max_lora_rank": room_for(max(config["r"] for config in configs)),
            "max_loras": slots,
            "max_cpu_loras": max(slots, len(self.numbers)),
            # not the output layer, whose adapters break the log-probabilities of prompts
            "lora_target_modules": sorted(modules),
        }

    def draw_batches(self, batches: Sequence[Batch]) -> list[list[Sampled] | NotFiniteError]:
        # NaN in a cache that requests share could reach the others': such weights are never loaded
        broken = {b.adapter for b in batches if b.adapter and not _is_finite(b.adapter)}
        requests = [(r, b.adapter) for b in batches if b.adapter not in broken for r in b.requests]
        generated = iter(self._generate(
            [request.prompt for request, _ in requests],
            [self._sampling(request) for request, _ in requests],
            [adapter for _, adapter in requests],
        ))  # fmt: skip
        results: list[list[Sampled] | NotFiniteError] = []
        for batch in batches:
            if batch.adapter in broken:
                results.append(NotFiniteError("the adapter's weights are not finite"))
                continue
            outputs = [next(generated).outputs[0] for _ in batch.requests]
            # vLLM picks some token of a row of NaN, whose log-probability is NaN
            if not all(math.isfinite(output.cumulative_logprob) for output in outputs):
                results.append(NotFiniteError("the model's logits are not finite"))
                continue
            results.append(self.decoded([_drawn(output) for output in outputs]))
        return results

    def _sampling(self, request: Request):
        from vllm import SamplingParams

        return SamplingParams(
            temperature=request.temperature, max_tokens=request.max_new_tokens, seed=request.seed,
            ignore_eos=True, stop_token_ids=sorted(self.ends),  # as with the transformers engine
            logprobs=0, flat_logprobs=True, detokenize=False,
        )  # fmt: skip

    def next_token_logprobs(self, prompts: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        from vllm import SamplingParams

        how = SamplingParams(
            temperature=0, max_tokens=1, logprobs=min(top, len(self.tokenizer)), detokenize=False
        )
        logprobs = []
        for output in self._generate(prompts, [how] * len(prompts)):
            likeliest = sorted(
                ((token, entry.logprob) for token, entry in output.outputs[0].logprobs[0].items()),
                key=lambda pair: -pair[1],
            )[:top]
            texts = self.tokenizer.batch_decode([[token] for token, _ in likeliest])
            values = (value for _, value in likeliest)
            logprobs.append(added_up(zip(texts, values, strict=True)))
        return logprobs

    def log_likelihoods(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]]
    ) -> list[float]:
        from vllm import SamplingParams

        how = SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0, detokenize=False)
        whole = [[*p, *c] for p, c in zip(prompts, completions, strict=True)]
        means = []
        for prompt, ids, output in zip(
            prompts, whole, self._generate(whole, [how] * len(whole)), strict=True
        ):
            part = [output.prompt_logprobs[i][ids[i]].logprob for i in range(len(prompt), len(ids))]
            means.append(math.fsum(part) / len(part) if part else float("nan"))
        return means

    def _generate(
        self,
        prompts: Sequence[list[int]],
        sampling: Sequence,
        adapters: Sequence[Path | None] | None = None,
    ) -> list:
        """vLLM's outputs, in the order of the prompts."""
        for prompt, how in zip(prompts, sampling, strict=True):
            if len(prompt) + how.max_tokens > self._length:
                raise UserError(
                    f"a prompt of {len(prompt)} tokens and {how.max_tokens} new ones are more than "
                    f"the {self._length} that engine.max_length ({self.options.max_length}) and "
                    f"{self.weights.path} itself allow; raise engine.max_length where it is the "
                    "lower of both, or lower max_new_tokens, or shorten the prompt"
                )
        if not prompts:
            return []
        from vllm.lora.request import LoRARequest

        loras = [
            LoRARequest(str(a), self.numbers[a], str(a.resolve())) if a else None
            for a in adapters or [None] * len(prompts)
        ]
        return self._llm.generate(
            [{"prompt_token_ids": prompt} for prompt in prompts], list(sampling),
            lora_request=loras if self.numbers else None, use_tqdm=False,
        )  # fmt: skip


def _drawn(output) -> tuple[list[int], float]:
    """Tokens of one of vLLM's outputs and their mean log-probability, before the temperature."""
    tokens = list(output.token_ids)
    return tokens, output.cumulative_logprob / len(tokens) if tokens else math.nan


def _is_finite(adapter: Path) -> bool:
    """Whether every weight of an adapter is a finite number."""
    import torch
    from safetensors.torch import load_file

    weights = load_file(adapter / WEIGHTS)
    return all(bool(torch.isfinite(weight).all()) for weight in weights.values())


def _set_environment(gpus: int) -> None:
    """What vLLM reads while it is imported."""
    variables = {"VLLM_LOGGING_LEVEL": "WARNING", "VLLM_NO_USAGE_STATS": "1"}
    if gpus <= 1:
        variables["VLLM_ENABLE_V1_MULTIPROCESSING"] = (
            "0"  # in this process, so that it ends with it
        )
    if gpus == 0:
        fix_threads()
        variables |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_CPU_KVCACHE_SPACE": "1"}
    elif _batch_invariant():
        variables["VLLM_BATCH_INVARIANT"] = "1"
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def _batch_invariant() -> bool:
    from vllm.platforms import current_platform

    return current_platform.is_cuda() and current_platform.has_device_capability(
        BATCH_INVARIANT_FROM
    )
