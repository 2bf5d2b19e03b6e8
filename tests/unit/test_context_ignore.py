"""Patterns of ``.dockerignore``; tests/contract/test_context_docker.py holds them to Docker."""

import pytest

from kfslim.context.ignore import DockerIgnore, escaped
from kfslim.errors import BadConfig


@pytest.mark.parametrize(
    ("text", "path", "ignored"),
    [
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),
        ("/a/", "a", True),
        ("./a/../b", "b", True),
        ("*.py", "x.py", True),
        ("*.py", "x/y.py", False),
        ("*/a", "x/a/b", True),
        ("**/a", "a", True),
        ("**/a", "x/y/a/b", True),
        ("**a", "x/ba", True),
        ("a/**", "a", False),
        ("a/**", "a/b", True),
        ("a**", "ab/c", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("**", "x/y", True),
        ("?", "é", True),
        ("[a-c]x", "bx", True),
        ("[^a]", "a", False),
        ("[[]", "[", True),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("a+b", "a+b", True),
        ("(a)*", "(a)b", True),
        ("#a", "#a", False),
        (" #a", "#a", True),
        ("\ufeffa", "a", True),
        ("b\n\ufeffa", "a", False),
        ("a \t\r\nb", "a", True),
        ("a\x0bb", "a", False),
        ("", "a", False),
        (".", "a", False),
        ("/", "a", False),
        ("../a", "a", False),
        ("a\n!a", "a", False),
        ("!a\na", "a", True),
        ("a\n!a/b", "a/b/c", False),
        ("a\n!a/b", "a/c", True),
        ("a\n! /a/b", "a/b", False),
        ("*\n!**/*.py", "x/a.py", False),
        ("*\n/!a", "a", False),
        ("!../../*", "a", True),
        ("*", "a\nb", True),
        ("?", "\udcff", True),
    ],
)
def test_what_a_pattern_matches(text, path, ignored):
    assert DockerIgnore(text).ignores(path) is ignored


@pytest.mark.parametrize("line", ["[", "[]", "[a-]", "a\\", "!", "! ", "!/", "[z-a]"])
def test_a_malformed_pattern_is_named(line):
    with pytest.raises(BadConfig, match="dockerignore"):
        DockerIgnore(f"a\n{line}\n")


@pytest.mark.parametrize(
    ("text", "folder", "classic", "buildkit"),
    [
        ("a", "a", False, False),
        ("a\n!a/b", "a", True, True),
        ("*\n!a/b", "c", False, False),
        ("*\n!a/b/*", "a/b", True, True),
        ("*\n!**/*.py", "a", False, True),
    ],
)
def test_which_ignored_folders_are_entered(text, folder, classic, buildkit):
    ignore = DockerIgnore(text)
    assert ignore.enters(folder, "classic") is classic
    assert ignore.enters(folder, "buildkit") is buildkit


def test_an_exception_at_the_end_wins():
    ignore = DockerIgnore("*").but("docker/a*")
    assert not ignore.ignores("docker/a*")
    assert ignore.ignores("docker/ab")


@pytest.mark.parametrize("path", ["a*?[b]", "\\", "#a", "!a", " a ", "a\nb", "\udcff", "a/ b"])
def test_an_escaped_path_matches_itself(path):
    ignore = DockerIgnore(f"x\n{escaped(path)}\n")
    assert ignore.ignores(path)
    assert not ignore.ignores("other")
