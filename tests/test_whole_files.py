"""Files are whole or absent."""

from __future__ import annotations

import os

import pytest

from autograder.whole_files import sync_all, write_whole


@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("data", ["é\n", b"\xff\x00", ""])
def test_what_is_written_is_there(tmp_path, data, sync):
    path = tmp_path / "a name"
    path.write_text("old")
    write_whole(path, data, sync)
    assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert list(tmp_path.iterdir()) == [path]
    sync_all(tmp_path)


@pytest.mark.parametrize("stopped", ["fsync", "replace"])
def test_a_stop_in_the_middle_leaves_the_old_file_alone(tmp_path, monkeypatch, stopped):
    path = tmp_path / "a name"
    path.write_text("old")

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, stopped, stop)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a name", "old")]


def test_the_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    order, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("rename"), replace(*names)))
    write_whole(tmp_path / "name", "text")
    assert order == ["fsync", "rename", "fsync"], "the file, its name, and the folder that holds the name"


def test_a_long_name_and_a_missing_folder(tmp_path):
    write_whole(tmp_path / ("x" * 250), "text")
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "name", "text")
    with pytest.raises(OSError, match="No such file"):
        sync_all(tmp_path / "missing")
