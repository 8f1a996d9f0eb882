"""The transformers engine: CPU or GPU, adapters live on one loaded model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from idempotence.engine.base import NotFiniteError, Sampling
from idempotence.engine.models import load_model, load_tokenizer, one_thread

SAMPLE_BATCH = 256
SCORE_BATCH = 64


class TransformersEngine:
    """`Engine` on a transformers model; see `idempotence.engine.base.Engine`."""

    def __init__(self, path: str, revision: str | None = None, dtype: str = "float32"):
        one_thread()
        self.tokenizer = load_tokenizer(path, revision)
        self.model = load_model(path, revision, dtype)

    @contextmanager
    def _adapted(self, adapter: Path | None) -> Iterator:
        """The model with an adapter on it, and without it again afterwards."""
        if adapter is None:
            yield self.model
            return
        from peft import PeftModel

        model = PeftModel.from_pretrained(self.model, adapter).eval()
        try:
            yield model
        finally:
            self.model = model.unload()

    def sample(
        self, prompts: Sequence[list[int]], adapter: Path | None, sampling: Sampling, seed: int
    ) -> list[str]:
        import torch

        texts: list[str] = []
        with self._adapted(adapter) as model, torch.inference_mode():
            self._check_finite(model, prompts[0])
            torch.manual_seed(seed)
            for start in range(0, len(prompts), SAMPLE_BATCH):
                texts += self._generate(model, prompts[start : start + SAMPLE_BATCH], sampling)
        return texts

    def _generate(self, model, prompts: Sequence[list[int]], sampling: Sampling) -> list[str]:
        inputs = self.tokenizer.pad(
            {"input_ids": list(prompts)}, padding=True, return_tensors="pt"
        ).to(model.device)
        try:
            output = model.generate(
                **inputs,
                do_sample=True,
                temperature=sampling.temperature,
                top_k=0,
                top_p=1.0,
                max_new_tokens=sampling.max_new_tokens,
                pad_token_id=self.tokenizer.pad_token_id,
                eos_token_id=self.tokenizer.eos_token_id,
            )
        except RuntimeError as error:
            if "inf" in str(error) and "nan" in str(error):
                raise NotFiniteError("a probability while sampling was not finite") from None
            raise
        new = output[:, inputs["input_ids"].shape[1] :]
        return self.tokenizer.batch_decode(new, skip_special_tokens=True)

    @staticmethod
    def _check_finite(model, prompt: list[int]) -> None:
        import torch

        ids = torch.tensor([prompt], device=model.device)
        if not torch.isfinite(model(input_ids=ids, use_cache=False).logits).all():
            raise NotFiniteError("the model's logits are not finite")

    def next_token_logprobs(self, prompts: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        import torch

        found: list[dict[str, float]] = [{} for _ in prompts]
        with torch.inference_mode():
            for batch, ids in self._batches(prompts):
                logits = self.model(input_ids=ids, use_cache=False).logits
                last = torch.tensor([len(prompts[i]) - 1 for i in batch], device=ids.device)
                rows = logits[torch.arange(len(batch), device=ids.device), last].float()
                values, tokens = rows.log_softmax(-1).topk(min(top, rows.shape[-1]))
                for i, value, token in zip(batch, values.tolist(), tokens.tolist(), strict=True):
                    texts = self.tokenizer.batch_decode([[t] for t in token])
                    found[i] = dict(zip(texts, value, strict=True))
        return found

    def log_likelihoods(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]]
    ) -> list[float]:
        import torch

        whole = [[*p, *c] for p, c in zip(prompts, completions, strict=True)]
        means = [float("nan")] * len(whole)
        with torch.inference_mode():
            for batch, ids in self._batches(whole):
                logits = self.model(input_ids=ids[:, :-1], use_cache=False).logits.float()
                chosen = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
                for row, i in enumerate(batch):
                    part = chosen[row, len(prompts[i]) - 1 : len(whole[i]) - 1]
                    means[i] = float(part.mean()) if len(part) else float("nan")
        return means

    def _batches(self, sequences: Sequence[list[int]]) -> Iterator[tuple[list[int], object]]:
        """Batches of similar length, padded on the right (exact under causal attention)."""
        import torch

        order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i]), i))
        for start in range(0, len(order), SCORE_BATCH):
            batch = order[start : start + SCORE_BATCH]
            width = max(len(sequences[i]) for i in batch)
            pad = self.tokenizer.pad_token_id
            rows = [sequences[i] + [pad] * (width - len(sequences[i])) for i in batch]
            yield batch, torch.tensor(rows, device=self.model.device)
