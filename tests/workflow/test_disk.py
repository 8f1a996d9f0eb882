"""Whether files can be written is known before any job, and is one message."""

import re

import pytest
from make_disk import small_disk

from idempotence.errors import UserError
from idempotence.io import write_json, write_jsonl
from idempotence.workflow.disk import check_room


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path):
    check_room(str(tmp_path / "results" / "new"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", ["ro", "rw"])
def test_a_full_or_read_only_disk_is_one_message_with_the_path(tmp_path, options):
    disk = tmp_path / "disk"
    with small_disk(disk, 100) as mount_again:
        check_room(str(disk / "results"))
        write_json(disk / "kept.json", {})
        if options == "rw":
            (disk / "full").write_bytes(bytes(90_000))
        mount_again(options)
        reason = "Read-only file system" if options == "ro" else "No space left on device"
        with pytest.raises(UserError, match=f"{re.escape(str(disk))} cannot be written: {reason}"):
            check_room(str(disk / "results"))
        path = disk / "rows.jsonl"
        with pytest.raises(UserError, match=f"{re.escape(str(path))} cannot be written: {reason}"):
            write_jsonl(path, [{"text": "x" * 99_000}])
        assert not path.exists() and (disk / "kept.json").exists()
