"""Read the replies of a loop that ran elsewhere; account for every row."""

from pathlib import Path

from idempotence.jobs.audit import ReadRepliesJob


def read_replies(
    job: ReadRepliesJob,
    from_cycle: int,
    least_replies: int,
    output_replies: Path,
    output_rows: Path,
    output_bad: Path,
    output_chains: Path,
) -> None:
    """Read the replies of a loop that ran elsewhere; account for every row.

    job: files, names of their columns, and names that rows may have.
    from_cycle: the first cycle that the amplification rule looks at.
    least_replies: scored replies of a cycle without which it is not looked at.
    output_replies: replies (Parquet) to write.
    output_rows: table to write, counts of rows by file (CSV; Parquet beside it).
    output_bad: table to write, the rows that cannot be used.
    output_chains: table to write, the chains and what stands in the way of their verdicts.
    """
    import pandas as pd

    from idempotence.audit.chains import Rule, chains_table
    from idempotence.audit.read import BAD, COUNTS, ReplyReader, replies_table
    from idempotence.io import write_parquet, write_table

    account = ReplyReader(job).read()
    replies = replies_table(account.replies)
    write_parquet(replies, output_replies)
    write_table(pd.DataFrame(account.counts, columns=COUNTS), output_rows)
    write_table(pd.DataFrame(account.bad, columns=BAD), output_bad)
    rule = Rule(from_cycle, least_replies, job.first_cycle)
    write_table(chains_table(replies, rule, account), output_chains)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(read_replies)
