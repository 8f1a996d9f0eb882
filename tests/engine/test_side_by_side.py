"""Cells sampled in one batch: as one by one, in groups of any size, and beside a broken one."""

import json
import shutil

import pytest

torch = pytest.importorskip("torch")

from make_models import make_adapter, make_model
from peft import PeftModel

from idempotence.engine import hf, side_by_side
from idempotence.engine.base import Batch, NotFiniteError, Request
from idempotence.engine.decode import left_padded, positions_of, sample_cells
from idempotence.engine.formatting import prompt_ids
from idempotence.engine.hf import TransformersEngine, rows_at_once
from idempotence.engine.models import Weights, load_model

QUESTIONS = ["What should I cook tonight?", "My neighbour is loud again.", "Hello", "Why?" * 9]
CELLS = [None, "narrow", "wide", "other", None, "narrow"]
ROWS = [7, 12, 0, 3, 5, 20]


@pytest.fixture(scope="module", params=["qwen3", "llama"])
def folder(request, tmp_path_factory):
    """A model, and its adapters in adapters/<name>; "broken" holds NaN."""
    folder = make_model(tmp_path_factory.mktemp("model") / request.param, request.param)
    model = load_model(Weights(str(folder)))
    for name, rank in {"narrow": 4, "wide": 16, "other": 5}.items():
        model = make_adapter(model, folder / "adapters" / name, rank)
    # of the rank of "wide", in whose place it stands: products of another shape may round otherwise
    make_adapter(model, folder / "adapters" / "broken", 16, float("nan"))
    return folder


@pytest.fixture(params=["own weights", "shared weights"])
def way(request, monkeypatch):
    """Which of the two ways cells are sampled in; these models are small enough for either."""
    if request.param == "shared weights":
        monkeypatch.setattr(side_by_side, "OWN_WEIGHTS", 0)


@pytest.fixture(scope="module")
def engine(folder) -> TransformersEngine:
    return TransformersEngine(Weights(str(folder)))


def batches(engine, folder, names=CELLS, rows=ROWS) -> list[Batch]:
    """A batch for each name: prompts that repeat, several temperatures, lengths from 0 tokens."""
    heads = [prompt_ids(engine.tokenizer, question, "chat") for question in QUESTIONS]
    return [
        Batch(
            [
                Request(heads[i % 4], (0, 0.7, 1.0)[i % 3], (9, 0, 24, 5, 1)[i % 5], 50 * cell + i)
                for i in range(n)
            ],
            folder / "adapters" / name if name else None,
        )
        for cell, (name, n) in enumerate(zip(names, rows, strict=True))
    ]


def test_side_by_side_equals_one_by_one_in_groups_of_any_size(engine, folder, way, monkeypatch):
    work = batches(engine, folder)
    before = {name: weight.clone() for name, weight in engine.model.state_dict().items()}
    alone = [engine.sample(batch.requests, batch.adapter) for batch in work]
    assert len({text for texts in alone for text in texts}) > 25
    together = engine.sample_batches(work)
    assert together == alone == engine.sample_batches(work)
    for part, group in ((256, 13), (256, 20), (4, 9), (3, 3)):
        monkeypatch.setattr(hf, "SAMPLE_BATCH", part)
        monkeypatch.setattr(hf, "GROUP_ROWS", group)
        assert engine.sample_batches(work) == alone
    assert engine.sample_batches([]) == []
    assert engine.sample_batches([Batch([], work[1].adapter), Batch([], None)]) == [[], []]
    after = engine.model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not any(m._forward_hooks or "forward" in vars(m) for m in engine.model.modules())


def test_all_cells_are_read_in_one_pass_and_each_prompt_once_per_cell(engine, folder, way):
    work = batches(engine, folder, ["narrow", None, "wide"], [12, 12, 2])
    shapes = []
    hook = engine.model.register_forward_pre_hook(
        lambda module, args, named: shapes.append(tuple(named["input_ids"].shape)), with_kwargs=True
    )
    try:
        engine.sample_batches(work)
    finally:
        hook.remove()
    width = max(len(request.prompt) for request in work[0].requests)
    assert shapes[0] == (4 + 4 + 2, width)
    assert all(tokens == 1 for _, tokens in shapes[1:])
    rows = [n for n, _ in shapes[1:]]
    assert rows == sorted(rows, reverse=True) and rows[-1] < rows[0] <= 26
    assert len(shapes) <= 24


def test_a_broken_cell_is_an_error_and_leaves_the_other_texts_as_they_are(engine, folder, way):
    names, rows = ["narrow", "wide", None, "other"], [9, 30, 6, 12]
    healthy = engine.sample_batches(batches(engine, folder, names, rows))
    names[1] = "broken"
    broken = engine.sample_batches(batches(engine, folder, names, rows))
    assert isinstance(broken[1], NotFiniteError)
    assert "not finite" in str(broken[1])
    assert [broken[i] for i in (0, 2, 3)] == [healthy[i] for i in (0, 2, 3)]
    (alone,) = engine.sample_batches(batches(engine, folder, names[1:2], rows[1:2]))
    assert isinstance(alone, NotFiniteError)
    only = engine.sample_batches(batches(engine, folder, ["broken", "broken"], [2, 3]))
    assert [type(texts) for texts in only] == [NotFiniteError] * 2


def read(engine, counts):
    """What a model reads: a prompt for each row, the same for every cell."""
    heads = [prompt_ids(engine.tokenizer, question, "chat") for question in QUESTIONS]
    ids, mask = left_padded(
        [heads[i] for count in counts for i in range(count)], engine.tokenizer.pad_token_id, "cpu"
    )
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions_of(mask)}


def test_a_broken_cell_changes_no_bit_of_the_others_logits(engine, folder, way):
    counts, logits = [3, 2, 4], []
    for names in (["narrow", "wide", None], ["narrow", "broken", None]):
        folders = [folder / "adapters" / name if name else None for name in names]
        with side_by_side.side_by_side(engine.model, folders) as shares, torch.inference_mode():
            shares(counts)
            logits.append(engine.model(**read(engine, counts)).logits)
    whole, broken = logits
    assert torch.equal(whole[:3], broken[:3]) and torch.equal(whole[5:], broken[5:])
    assert not torch.isfinite(broken[3:5]).any() and torch.isfinite(whole).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_logits_are_those_of_peft(folder, engine, way, dtype):
    weights, counts = Weights(str(folder), dtype=dtype), [2, 0, 4, 3]
    names = ["narrow", "other", "wide", None]
    folders = [folder / "adapters" / name if name else None for name in names]
    model, inputs = load_model(weights), read(engine, counts)
    with side_by_side.side_by_side(model, folders) as shares, torch.inference_mode():
        shares(counts)
        together = model(**inputs).logits.float()
    theirs = []
    for start, (path, count) in zip((0, 2, 2, 6), zip(folders, counts, strict=True), strict=True):
        if not count:
            continue
        adapted = load_model(weights)
        if path is not None:
            adapted = PeftModel.from_pretrained(adapted, path).eval()
        part = {name: each[start : start + count] for name, each in inputs.items()}
        with torch.inference_mode():
            theirs.append(adapted(**part).logits.float())
    expected, own = torch.cat(theirs), inputs["attention_mask"].bool()
    scale = expected[own].abs().max()
    worst = (together - expected)[own].abs().max() / scale
    assert worst < (1e-5 if dtype == "float32" else 0.03)
    assert (expected[2:6] - expected[[0, 1, 0, 1]]).abs().max() / scale > 0.1  # adapters matter


def test_in_bfloat16_small_updates_are_not_rounded_away(folder, engine):
    """Added into the weights they would be: peft keeps them apart, and so does this."""
    model = load_model(Weights(str(folder), dtype="bfloat16"))
    path = folder / "adapters" / "tiny"
    make_adapter(load_model(Weights(str(folder))), path, 4, 3e-4)
    layer, x = model.model.layers[0].mlp.up_proj, torch.randn(6, 1, 64, dtype=torch.bfloat16)
    with side_by_side.side_by_side(model, [path, None]) as shares, torch.inference_mode():
        shares([3, 3])
        plain = layer(x[3:].repeat(2, 1, 1))
    assert not torch.equal(plain[:3], plain[3:])


def test_adapters_that_are_no_plain_lora_are_sampled_alone(engine, folder, monkeypatch):
    odd = folder / "adapters" / "odd"
    shutil.copytree(folder / "adapters" / "wide", odd, dirs_exist_ok=True)
    about = json.loads((odd / "adapter_config.json").read_text())
    about["use_rslora"] = True
    (odd / "adapter_config.json").write_text(json.dumps(about))
    assert not side_by_side.can_share(engine.model, odd)
    names = ["narrow", "odd", None]
    work = batches(engine, folder, names, [4, 4, 4])
    sizes = []

    def counted(model, cells, *rest, **named):
        sizes.append([len(cell) for cell in cells])
        return sample_cells(model, cells, *rest, **named)

    alone = [engine.sample(batch.requests, batch.adapter) for batch in work]
    monkeypatch.setattr(hf, "sample_cells", counted)
    assert engine.sample_batches(work) == alone
    assert sizes == [[4], [4], [4]]
    assert engine.sample_batches([work[0], work[2], work[1]]) == [alone[0], alone[2], alone[1]]
    assert sizes[3:] == [[4, 4], [4]]


def test_cells_that_fill_large_products_by_themselves_are_sampled_alone(
    engine, folder, monkeypatch
):
    narrow = folder / "adapters" / "narrow"
    few, more = side_by_side.FEW_ROWS, side_by_side.FEW_ROWS + 1
    pays = side_by_side.pays
    assert pays(engine.model, narrow, 500)
    monkeypatch.setattr(side_by_side, "OWN_WEIGHTS", 0)
    on_cpu = engine.model.device.type == "cpu"
    assert pays(engine.model, narrow, few) and pays(engine.model, None, more)
    assert pays(engine.model, narrow, more) is not on_cpu
    small = load_model(Weights(str(folder), dtype="bfloat16"))  # peft's layers would be needed
    assert pays(small, narrow, 500)
    work = batches(engine, folder, ["narrow", "wide", "other"], [3, more, 3])
    alone = [engine.sample(batch.requests, batch.adapter) for batch in work]
    groups = [[i for i, _ in group] for group in engine._groups(work)]
    assert groups == ([[0], [1], [2]] if on_cpu else [[0, 1, 2]])
    assert engine.sample_batches(work) == alone


def test_experts_and_other_layers_are_left_to_one_by_one(engine, folder, monkeypatch):
    path = folder / "adapters" / "wide"
    assert side_by_side.can_share(engine.model, path)
    monkeypatch.setattr(engine.model.config, "num_experts", 8, raising=False)
    assert not side_by_side.can_share(engine.model, path)
    monkeypatch.setattr(engine.model.config, "num_experts", None)
    assert side_by_side.can_share(engine.model, path)
    layer = engine.model.model.layers[0]
    monkeypatch.setattr(layer.mlp, "up_proj", torch.nn.Sequential())
    assert not side_by_side.can_share(engine.model, path)


def test_rows_at_once_are_bounded_by_the_memory_of_keys_and_values(engine, monkeypatch):
    requests = [Request([1] * 100, 1.0, 28, 0), Request([1], 1.0, 4, 1)]
    row = 2 * 2 * 1 * engine.model.config.head_dim * 4 * 128  # 2 layers, one head of keys, 4 bytes
    monkeypatch.setattr(hf, "GROUP_ROWS", 1000)
    for size, rows in ((300 * row, 300), (301 * row - 1, 300), (5 * row, 256), (5000 * row, 1000)):
        monkeypatch.setattr(hf, "GROUP_BYTES", size)
        assert rows_at_once(engine.model, requests) == rows
    assert rows_at_once(engine.model, []) == 1000
