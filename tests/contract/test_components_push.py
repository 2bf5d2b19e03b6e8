"""Whether anything may be pushed is found out before work, and leaves nothing behind."""

from __future__ import annotations

import pytest
from parts.faulty_registry import Fault, faulty_registry, status
from parts.images import small_image
from parts.toy import Toy

from kfslim.errors import AuthError, DiskError
from kfslim.oci import open_store


def test_a_check_leaves_nothing_in_the_registry(registry):
    store = open_store(registry.reference("push/check"))
    store.check_push()
    assert not list(registry.storage.rglob("push/check/_uploads/*/data"))
    assert store.tags() == []
    store.write(small_image(), "t")
    assert store.tags() == ["t"]


def test_a_layout_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DiskError, match="is no folder"):
        open_store(f"oci:{tmp_path / 'file' / 'images'}").check_push()


def test_a_registry_that_may_only_be_read_is_told_before_anything_is_built(tmp_path):
    toy = Toy.make(tmp_path)
    with faulty_registry() as state:
        state.faults.append(Fault("^POST", status(403)))
        with pytest.raises(AuthError):
            open_store(f"docker://{state.host}/x/y").check_push()
        asked = len(state.log)
        done = toy.here(*toy.slim(f"docker://{state.host}/x/y"))
    assert done.returncode == 3
    assert "credentials" in done.stderr
    assert len([line for line in state.log[asked:] if line.startswith("POST")]) == 1
    assert toy.left == set()
