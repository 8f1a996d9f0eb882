"""Audits of files that a test writes: their config, account and chains."""

import pandas as pd
from make_config import ROOT, load

from idempotence.audit.chains import Rule, chains_table
from idempotence.audit.read import Account, ReplyReader, replies_table
from idempotence.workflow.study_jobs import StudyJobs

BASE = {
    "settings": {"sft": {}}, "traits": ["lucky"], "texts": "written", "judge": {"backend": "none"},
    "traits_folder": str(ROOT / "data/traits"),
}  # fmt: skip


def audit(*files, **more) -> dict:
    """The config of an audit. files: paths or entries; more: other keys of its section."""
    files = [{"path": file} if isinstance(file, str) else file for file in files]
    return {**BASE, "audit": {"files": files, **more}}


def account_of(over: dict) -> Account:
    return ReplyReader(StudyJobs(load(over)).read_replies()).read()


def replies_of(over: dict) -> pd.DataFrame:
    return replies_table(account_of(over).replies)


def chains_of(over: dict, from_cycle=4, least=1) -> pd.DataFrame:
    """The table of chains, indexed by cell."""
    account = account_of(over)
    rule = Rule(from_cycle, least, over["audit"].get("first_cycle", 0))
    return chains_table(replies_table(account.replies), rule, account).set_index("cell")
