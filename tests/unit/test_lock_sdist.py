"""What an sdist says it is built with."""

import io
import tarfile
import zipfile

import pytest

from kfslim.errors import BadRequirement
from kfslim.lock.sdist import LEGACY, build_requirements

PYPROJECT = b'[build-system]\nrequires = ["hatchling>=1", "hatch-vcs"]\n'


def tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_requirements_are_read_from_the_top_pyproject(tmp_path):
    files = {"x-1/sub/pyproject.toml": b"broken [", "x-1/pyproject.toml": PYPROJECT}
    expected = ("hatchling>=1", "hatch-vcs")
    assert build_requirements(tar(tmp_path / "x-1.tar.gz", files)) == expected
    with zipfile.ZipFile(tmp_path / "x-1.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    assert build_requirements(tmp_path / "x-1.zip") == expected


@pytest.mark.parametrize("files", [{}, {"x-1/pyproject.toml": b"[tool.black]\n"}])
def test_without_a_build_system_it_is_setuptools(tmp_path, files):
    assert build_requirements(tar(tmp_path / "x-1.tar.gz", files)) == LEGACY


def test_broken_ones_get_a_sentence(tmp_path):
    (tmp_path / "x-1.tar.gz").write_bytes(b"not a tar")
    with pytest.raises(BadRequirement, match=r"x-1\.tar\.gz is not a source distribution"):
        build_requirements(tmp_path / "x-1.tar.gz")
    broken = tar(tmp_path / "y-1.tar.gz", {"y-1/pyproject.toml": b"["})
    with pytest.raises(BadRequirement):
        build_requirements(broken)
