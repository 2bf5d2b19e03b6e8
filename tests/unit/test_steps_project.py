from pathlib import Path

import pytest

from kfslim.errors import BadConfig
from kfslim.steps.project import project_modules, read_project

KEY = "-----BEGIN RSA PRIVATE KEY-----\nabc\n"


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def paths(root: Path) -> list[str]:
    return [file.path for file in read_project(root).files]


def test_files_come_sorted_with_size_and_mode(tmp_path):
    tree(tmp_path, **{"b.py": "12", "a/run.sh": "x", "a-b.py": ""})
    (tmp_path / "a/run.sh").chmod(0o755)
    files = read_project(tmp_path).files
    assert [(f.path, f.size, f.executable) for f in files] == [
        ("a-b.py", 0, False),
        ("a/run.sh", 1, True),
        ("b.py", 2, False),
    ]


@pytest.mark.parametrize(
    "secret",
    [
        ".env", ".env.production", "sub/.env", "prod.env", ".netrc", ".pypirc", ".git/config",
        ".git", ".ssh/id_rsa", "id_ed25519", ".kube/config", "kubeconfig", ".aws/credentials", 
        "cert.p12", ".dockerconfigjson", "__pycache__/a.pyc", "a.pyc", "node_modules/x.js",
    ],
)  # fmt: skip
def test_secrets_and_leftovers_never_go_in(tmp_path, secret):
    tree(tmp_path, **{"a.py": "", secret: "x", ".dockerignore": f"!{secret}\n"})
    assert paths(tmp_path) == ["a.py"]


def test_a_key_is_known_by_what_it_holds(tmp_path):
    tree(tmp_path, **{"a.pem": KEY, "b.key": KEY, "ca.pem": "-----BEGIN CERTIFICATE-----"})
    assert paths(tmp_path) == ["ca.pem"]


def test_a_virtual_environment_is_known_by_its_config(tmp_path):
    tree(tmp_path, **{"a.py": "", "my-env/pyvenv.cfg": "", "my-env/lib/x.py": ""})
    assert paths(tmp_path) == ["a.py"]


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ("*.md", ["data/big.md", "data/keep.txt", "data/x.txt", "src/a.py"]),
        ("**/*.md", ["data/keep.txt", "data/x.txt", "src/a.py"]),
        ("data", ["README.md", "src/a.py"]),
        ("/data/", ["README.md", "src/a.py"]),
        ("data\n!data/keep.txt", ["README.md", "data/keep.txt", "src/a.py"]),
        ("!data/keep.txt\ndata", ["README.md", "src/a.py"]),
        ("*\n!src", ["src/a.py"]),
        ("**\n!**/*.py", ["src/a.py"]),
        ("[dR]*", ["src/a.py"]),
        ("[^dR]*", ["README.md", "data/big.md", "data/keep.txt", "data/x.txt"]),
        ("**/x.txt", ["README.md", "data/big.md", "data/keep.txt", "src/a.py"]),
        ("*/*.txt", ["README.md", "data/big.md", "src/a.py"]),
        (
            "# data\n\n./src/../data/x.txt",
            ["README.md", "data/big.md", "data/keep.txt", "src/a.py"],
        ),
        ("data/?.txt", ["README.md", "data/big.md", "data/keep.txt", "src/a.py"]),
        ("x.txt", ["README.md", "data/big.md", "data/keep.txt", "data/x.txt", "src/a.py"]),
        (".", ["README.md", "data/big.md", "data/keep.txt", "data/x.txt", "src/a.py"]),
    ],
)
def test_dockerignore_is_read_as_docker_reads_it(tmp_path, ignore, left):
    files = {
        "README.md": "",
        "data/big.md": "",
        "data/keep.txt": "",
        "data/x.txt": "",
        "src/a.py": "",
    }
    tree(tmp_path, **files, **{".dockerignore": ignore})
    assert paths(tmp_path) == left


def test_the_contexts_dockerignore_counts_for_a_folder_in_it(tmp_path):
    tree(tmp_path, **{"p/a.py": "", "p/b.csv": "", "p/c.md": "", ".dockerignore": "p/*.csv"})
    tree(tmp_path, **{"p/.dockerignore": "*.md"})
    found = read_project(tmp_path / "p", context=tmp_path)
    assert [file.path for file in found.files] == ["a.py"]
    assert paths(tmp_path / "p") == ["a.py", "b.csv"]


def test_links_stay_inside_or_are_refused(tmp_path):
    root = tree(tmp_path / "p", **{"a.py": "1"})
    (root / "b.py").symlink_to("a.py")
    assert paths(root) == ["a.py", "b.py"]
    tree(tmp_path, **{"secret.txt": "x", "d/x.py": ""})
    (root / "c.txt").symlink_to("../secret.txt")
    with pytest.raises(BadConfig, match="out of the project"):
        read_project(root)
    (root / ".dockerignore").write_text("*.txt\n")
    assert paths(root) == ["a.py", "b.py"]
    (root / "d").symlink_to("../d")
    with pytest.raises(BadConfig, match="out of the project"):
        read_project(root)
    (root / ".dockerignore").write_text("*.txt\nd\n")
    tree(root, **{".env": "PASSWORD=1"})
    (root / "settings").symlink_to(".env")
    assert paths(root) == ["a.py", "b.py"]


def test_the_hash_is_of_names_modes_and_contents(tmp_path):
    one = tree(tmp_path / "one", **{"a.py": "1", "b.py": "2"})
    two = tree(tmp_path / "two", **{"b.py": "2", "a.py": "1", ".env": "secret"})
    first = read_project(one).tree_sha256
    assert first == read_project(two).tree_sha256
    assert len(first) == 64
    (two / "a.py").chmod(0o755)
    changed = read_project(two).tree_sha256
    assert changed != first
    tree(one, **{"b.py": "3"})
    assert read_project(one).tree_sha256 not in (first, changed)


def test_package_or_sources(tmp_path):
    assert read_project(tree(tmp_path / "s", **{"a.py": ""})).content == "sources"
    tree(tmp_path / "t", **{"pyproject.toml": "[tool.x]\n"})
    assert read_project(tmp_path / "t").content == "sources"
    tree(tmp_path / "p", **{"pyproject.toml": "[build-system]\nrequires = []\n"})
    assert read_project(tmp_path / "p").content == "package"
    tree(tmp_path / "b", **{"pyproject.toml": "[build-system"})
    with pytest.raises(BadConfig, match="not TOML"):
        read_project(tmp_path / "b")
    with pytest.raises(BadConfig, match="does not exist"):
        read_project(tmp_path / "absent")


def test_modules_of_a_project(tmp_path):
    tree(tmp_path / "flat", **{"a.py": "", "setup.py": "", "pkg/__init__.py": "", "docs/x.md": ""})
    assert project_modules(tmp_path / "flat") == ("a", "pkg")
    tree(tmp_path / "new", **{"pyproject.toml": "", "src/mine/__init__.py": ""})
    assert project_modules(tmp_path / "new") == ("mine",)
    assert project_modules(tmp_path / "new/src/mine") == ("mine",)
