"""Records of jobs: to JSON and back, strictly, with the standard library alone."""

import json
import subprocess
import sys
import types
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_config import DEFAULT, ROOT, load

from idempotence.errors import UserError
from idempotence.jobs import audit, loop, parts, preparation
from idempotence.jobs.record import Record
from idempotence.workflow.study_jobs import StudyJobs

RECORDS = [
    value
    for module in (parts, loop, preparation, audit)
    for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
]


def values(hint: Any) -> st.SearchStrategy:
    """Values of an annotated type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, inner))
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=4), values(inner[1]), max_size=3)
    if is_dataclass(hint):
        return record_of(hint)
    plain = {
        str: st.text(max_size=5),
        int: st.integers(-(2**60), 2**60),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return plain[hint]


def is_needed(field: Field) -> bool:
    """Whether a record must have a key."""
    return field.default is MISSING and field.default_factory is MISSING


def record_of(kind: type) -> st.SearchStrategy:
    """Records of a class; keys with a default may be left out."""
    hints = get_type_hints(kind)
    needed = {f.name for f in fields(kind) if is_needed(f)}
    return st.fixed_dictionaries(
        {name: values(hints[name]) for name in hints if name in needed},
        optional={name: values(hints[name]) for name in hints if name not in needed},
    ).map(lambda given: kind(**given))


records = st.sampled_from(RECORDS).flatmap(record_of)


def test_every_class_of_jobs_is_a_record():
    assert len(RECORDS) > 20 and all(issubclass(kind, Record) for kind in RECORDS)
    assert all(kind.__doc__ and kind.__dataclass_params__.frozen for kind in RECORDS)


@given(records)
def test_json_and_back(record):
    text = record.to_json()
    again = type(record).from_json(text)
    assert again == record and type(again) is type(record)
    assert again.to_json() == text


def changed(content: Any, path: list, change) -> Any:
    """A copy of JSON content in which `change` was made to the section at a path."""
    copy = json.loads(json.dumps(content))
    section = copy
    for part in path:
        section = section[part]
    change(section)
    return copy


def sections(kind: type, content: dict, path: list) -> list[tuple[type, list]]:
    """(class, path) of a record's JSON and of every record in it."""
    places = [(kind, path)]
    for name, hint in get_type_hints(kind).items():
        inner = [each for each in (hint, *get_args(hint)) if is_dataclass(each)]
        held = content[name] if isinstance(content[name], list) else [content[name]]
        for i, section in enumerate(held):
            if inner and isinstance(section, dict):
                place = [name, i] if isinstance(content[name], list) else [name]
                places += sections(inner[0], section, path + place)
    return places


@given(records, st.data())
def test_a_key_too_many_or_too_few_is_named_with_its_place(record, data):
    kind, content = type(record), json.loads(record.to_json())
    inner, path = data.draw(st.sampled_from(sections(kind, content, [])))
    place = ".".join([kind.__name__, *map(str, path)])

    more = changed(content, path, lambda section: section.update(sede=1))
    with pytest.raises(UserError) as caught:
        kind.from_json(json.dumps(more))
    assert str(caught.value).startswith(f"{place}: there is no key 'sede'; there are ")

    name = data.draw(st.sampled_from([f.name for f in fields(inner) if is_needed(f)]))
    fewer = changed(content, path, lambda section: section.pop(name))
    with pytest.raises(UserError) as caught:
        kind.from_json(json.dumps(fewer))
    assert str(caught.value) == f"{place}: the key {name!r} is missing"


@given(records, st.data())
def test_a_value_of_another_type_is_named_with_its_place(record, data):
    kind, content = type(record), json.loads(record.to_json())
    inner, path = data.draw(st.sampled_from(sections(kind, content, [])))
    name = data.draw(st.sampled_from([f.name for f in fields(inner)]))
    hint = get_type_hints(inner)[name]
    # no field is of either of these types, but for flags and texts
    wrong = "no flag" if hint is bool else True
    other = changed(content, path, lambda section: section.update({name: wrong}))
    with pytest.raises(UserError) as caught:
        kind.from_json(json.dumps(other))
    place = ".".join([kind.__name__, *map(str, path), name])
    assert str(caught.value).startswith(f"{place}: {wrong!r} is no")


@dataclass(frozen=True)
class Inner(Record):
    n: int


@dataclass(frozen=True)
class Outer(Record):
    x: float
    kind: Literal["a", "b"]
    inner: tuple[Inner, ...]
    names: dict[str, int | None]
    note: str | None = None


OUTER = {"x": 1, "kind": "a", "inner": [{"n": 1}], "names": {"k": None}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": "1"}, "Outer.x: '1' is no float"),
        ({"x": True}, "Outer.x: True is no float"),
        ({"x": None}, "Outer.x: None is no float"),
        ({"kind": "c"}, "Outer.kind: 'c' is not one of a, b"),
        ({"inner": {"n": 1}}, "Outer.inner: {'n': 1} is no list"),
        ({"inner": [{"n": 1}, {"n": 1.5}]}, "Outer.inner.1.n: 1.5 is no int"),
        ({"inner": [3]}, "Outer.inner.0: 3 is no section"),
        ({"names": {"k": "v"}}, "Outer.names.k: 'v' is no int"),
        ({"names": []}, "Outer.names: [] is no section"),
        ({"note": 1}, "Outer.note: 1 is no str"),
    ],
    ids=str,
)
def test_messages_name_the_place(change, message):
    with pytest.raises(UserError) as caught:
        Outer.from_json(json.dumps({**OUTER, **change}))
    assert str(caught.value) == message


def test_whole_numbers_become_the_type_of_their_field():
    record = Outer.from_json(json.dumps(OUTER))
    assert record == Outer(1.0, "a", (Inner(1),), {"k": None})
    assert type(record.x) is float and record.note is None


@pytest.mark.parametrize("text", ["", "{", "[1", '{"n": NaN}', '{"n": Infinity}'])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(UserError, match="Inner: not JSON"):
        Inner.from_json(text)


def test_what_is_no_number_is_never_written():
    with pytest.raises(ValueError):
        Outer(float("nan"), "a", (), {}).to_json()


def test_jobs_of_a_study_come_back_with_the_same_text():
    """Snakemake compares the texts: a number must not change its form on the way."""
    audited = {"files": [{"path": "tests/audit_example/{cell}/cycle_{cycle}.jsonl"}]}
    study = load(files=[ROOT / "studies/tiny.yaml"], base=DEFAULT)
    jobs = StudyJobs(study)
    held = [jobs.loops, jobs.calibrate("sft", "micro-instruct", "bliss")]
    held += [jobs.try_learning_rates("dpo", "micro-instruct", "bliss")]
    held += [jobs.initial_sample("micro-base", "bliss"), jobs.initial_judge("micro-base", "bliss")]
    for panel in study.panels():
        held += [jobs.seed_data(panel)]
        for cycle in range(panel.setting.cycles + 1):
            held += [of(panel, cycle) for of in (jobs.finetune, jobs.sample, jobs.judge)]
    of_audit = StudyJobs(load({"audit": audited, "settings": {"sft": {}}, "traits": ["lucky"]}))
    held += [of_audit.read_replies(), of_audit.judge_replies("lucky")]
    for job in held:
        again = type(job).from_json(job.to_json())
        assert again == job and again.to_json() == job.to_json()


def test_jobs_need_the_standard_library_alone():
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import idempotence.jobs.audit, idempotence.jobs.loop, idempotence.jobs.preparation\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "src", check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "['idempotence']"
