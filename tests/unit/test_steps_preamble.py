import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfslim.steps.preamble import NotUnderstood, is_preamble, parse_preamble

HEAD = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

PIP_DISABLE_PIP_VERSION_CHECK=1 """
VENV = """
export PIP_DISABLE_PIP_VERSION_CHECK=1
tmp=$(mktemp -d)
python3 -m venv "$tmp/venv" --system-site-packages
. "$tmp/venv/bin/activate"
"""
PIP = "python3 -m pip install --quiet --no-warn-script-location "
TAIL = ' && "$0" "$@"\n'
LEGACY = "'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'"


def install(*parts: str, options: str = "") -> str:
    return PIP + options + " ".join(repr(part) for part in parts)


def sdk(version: str = "2.14.3", options: str = "") -> str:
    return install(f"kfp=={version}", "--no-deps", options=options) + " " + LEGACY


def user_last(*packages: str) -> str:  # SDK 2.4 to 2.7
    return HEAD + sdk("2.7.0") + "  &&  " + install(*packages) + TAIL


def user_first(*packages: str) -> str:  # SDK 2.8 and later
    return HEAD + install(*packages) + "  &&  " + sdk() + TAIL


def in_venv(*packages: str) -> str:  # use_venv, SDK 2.10 and later
    return HEAD + install(*packages) + "  &&  " + VENV + " " + sdk() + TAIL


@pytest.mark.parametrize("template", [user_last, user_first, in_venv])
def test_every_template_is_read(template):
    declared = parse_preamble(template("pandas", "feast[redis]>=0.4; python_version>'3.8'"))
    assert declared.packages == ("pandas", "feast[redis]>=0.4; python_version>'3.8'")
    assert declared.kfp_version in ("2.7.0", "2.14.3")
    assert declared.uses_venv is (template is in_venv)


def test_the_template_of_sdk_2_0_installs_all_of_kfp():
    text = HEAD + PIP.replace("--no-warn", "\\\n    --no-warn") + "'pandas' 'kfp==2.0.1'" + TAIL
    declared = parse_preamble(text)
    assert declared.packages == ("pandas", "kfp==2.0.1")
    assert (declared.kfp_version, declared.kfp_requirement) == ("2.0.1", "")


def test_only_kfp_and_only_packages():
    assert parse_preamble(HEAD + sdk() + TAIL).packages == ()
    assert parse_preamble(HEAD + VENV + sdk() + TAIL).uses_venv
    declared = parse_preamble(HEAD + install("pandas") + TAIL)
    assert (declared.packages, declared.kfp_version) == (("pandas",), "")


def test_index_options():
    options = (
        "--index-url https://a.example/simple --extra-index-url https://b.example/simple "
        "--trusted-host a.example "
    )
    text = HEAD + install("x", options=options) + " && " + sdk(options=options) + TAIL
    declared = parse_preamble(text)
    assert declared.index_urls == ("https://a.example/simple",)
    assert declared.extra_index_urls == ("https://b.example/simple",)
    assert declared.trusted_hosts == ("a.example",)


@pytest.mark.parametrize("no_deps", [(), ("--no-deps",)])
def test_a_development_build_of_kfp_is_told_without_its_secrets(no_deps):
    url = "git+https://user:secret@git.example/kubeflow/pipelines.git@refs/pull/1/merge"
    declared = parse_preamble(HEAD + install(url, *no_deps) + TAIL)
    assert declared.kfp_version == ""
    assert "kubeflow/pipelines" in declared.kfp_requirement
    assert "secret" not in declared.kfp_requirement


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD + install("pandas", "--upgrade") + TAIL, "option --upgrade"),
        (HEAD + install("pandas", "--no-deps") + TAIL, "option --no-deps"),
        (HEAD + install("-r", "requirements.txt") + TAIL, "option -r"),
        (HEAD + install("git+https://u:secret@x.example/y") + TAIL, "a file or URL"),
        (HEAD + install("y @ https://u:secret@x.example/y.whl") + TAIL, "y from a URL"),
        (HEAD + install("./wheels/y.whl") + TAIL, "a file or URL"),
        (HEAD + PIP + "pandas; curl x.example" + TAIL, "; of the shell"),
        (HEAD + PIP + "pandas>=1" + TAIL, "> of the shell"),
        (HEAD + PIP + "pandas | cat" + TAIL, "| of the shell"),
        (HEAD + PIP + "pandas & true" + TAIL, "& of the shell"),
        (HEAD + PIP + '"$PACKAGES"' + TAIL, "variables or expansions"),
        (HEAD + PIP + "--index-url https://$TOKEN@x.example pandas" + TAIL, "variables"),
        (HEAD + PIP + "pan`true`das" + TAIL, "variables or expansions"),
        (HEAD + PIP + "pandas\ncurl evil" + TAIL, "more lines"),
        (HEAD + "apt-get install -y git && " + install("pandas") + TAIL, "something else"),
        (HEAD + install("pandas") + " && python3 setup.py" + TAIL, "something else"),
        (HEAD + install("pandas") + "\n", "does not end in the step's own command"),
        (HEAD + PIP + "'pandas" + TAIL, "quotation"),
        (HEAD + install("a") + " && " + sdk(options="-i https://x.example ") + TAIL, "different"),
    ],
)
def test_anything_else_is_not_understood(text, reason):
    with pytest.raises(NotUnderstood) as caught:
        parse_preamble(text)
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)


@given(
    st.lists(
        st.from_regex(
            r"[a-z][a-z0-9]{0,8}(\[[a-z]{1,4}\])?((==|>=|~=|<)[1-9]\.[0-9])?", fullmatch=True
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([user_last, user_first, in_venv]),
)
def test_what_the_sdk_writes_is_read_back(packages, template):
    assert parse_preamble(template(*packages)).packages == tuple(packages)


def test_a_wrapper_that_installs_nothing_is_no_preamble():
    assert is_preamble(["sh", "-c", HEAD + sdk() + TAIL, "sh", "-ec", "x", "y"])
    assert not is_preamble(["sh", "-c", 'set -e\n"$0" "$@"', "python3", "x.py"])
    assert not is_preamble(["sh", "-c", HEAD + sdk() + TAIL])
    assert not is_preamble([])
