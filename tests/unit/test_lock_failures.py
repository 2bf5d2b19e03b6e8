"""uv's failures, as uv 0.13.9 words them, in our words."""

import pytest

from kfslim.errors import (
    AuthError,
    BadRequirement,
    DigestMismatch,
    DiskError,
    FetchError,
    RateLimited,
    ToolError,
    Unsupported,
)
from kfslim.lock.failures import LIMIT, essence, lacking_wheels, translate

UNSOLVABLE = """\
error: No solution found when resolving dependencies
  cause: Because pandas==2.2.0 depends on numpy{python_full_version < '3.12'}>=1.23.2,<2 and you \
require pandas==2.2.0, we can conclude that you require numpy>=1.23.2,<2.
         And because you require numpy==2.3.0, we can conclude that your requirements are \
unsatisfiable.
"""
NO_WHEELS = """\
error: No solution found when resolving dependencies
  cause: Because kfp-server-api>=2.14.0 has no usable wheels and kfp==2.14.3 depends on \
kfp-server-api>=2.14.0, we can conclude that kfp==2.14.3 cannot be used.

hint: Wheels are required for `kfp-server-api` because building from source is disabled for all \
packages (i.e., with `--no-build`)
"""
OLD_NO_WHEELS = """\
error: No solution found when resolving dependencies
  cause: And because pandas<=1.4.4 has no usable wheels, we can conclude that pandas<=1.4.4 cannot \
be used. And because pandas==3.0.4 has no usable wheels and you require pandas, we can conclude \
that your requirements are unsatisfiable.

hint: Wheels are required for `pandas` because building from source is disabled
"""
UNREACHABLE = """\
error: Request failed after 3 retries in 6.6s
  cause: Failed to fetch: http://127.0.0.1:9/simple/pandas/
  cause: error sending request for url (http://127.0.0.1:9/simple/pandas/)
  cause: Connection refused (os error 111)
"""
UNAUTHORIZED = """\
error: No solution found when resolving dependencies
  cause: Because flask was not found in the package registry and you require flask, we can \
conclude that your requirements are unsatisfiable.

hint: An index URL (http://127.0.0.1:8310/simple) could not be queried due to a lack of valid \
authentication credentials (401 Unauthorized)
"""
MISMATCH = """\
error: Failed to download `flask==3.1.0`
  cause: Hash mismatch for `flask==3.1.0`

         Expected:
           sha256:0000000000000000000000000000000000000000000000000000000000000003
"""
UNBUILDABLE = """\
error: Failed to build `python-ldap==3.4.4`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)
         [stderr]
         Modules/common.h:15:10: fatal error: lber.h: No such file or directory
         fatal error: lber.h: No such file or directory
         error: Command '['gcc', '-O3']' returned non-zero exit status 1.
"""


@pytest.mark.parametrize(
    ("stderr", "kind", "words"),
    [
        (UNSOLVABLE, BadRequirement, "you require numpy==2.3.0"),
        (UNREACHABLE, FetchError, "Connection refused"),
        (UNAUTHORIZED, AuthError, "refused us"),
        (MISMATCH, DigestMismatch, "flask==3.1.0"),
        (UNBUILDABLE, Unsupported, "python-ldap==3.4.4 has no wheel"),
        ("error: failed to write\n  cause: No space left on device (os error 28)", DiskError, ""),
        ("error: HTTP status client error (429 Too Many Requests)", RateLimited, "slow down"),
        ("error: Couldn't parse requirement in `-` at position 0", BadRequirement, "understand"),
        ("error: something new", ToolError, "something new"),
        ("", ToolError, "no reason"),
    ],
)
def test_kind_and_words(stderr, kind, words):
    error = translate(stderr, "locking step train")
    assert type(error) is kind
    assert words in error.message
    assert error.message.startswith("locking step train: ")
    assert "\n" not in error.message


def test_the_innermost_reason_of_a_failed_build_is_told():
    assert "lber.h" in translate(UNBUILDABLE, "x").message


def test_credentials_and_signed_queries_never_show():
    stderr = UNREACHABLE.replace("http://127", "http://me:sekrit@127") + (
        "  cause: for url (https://user:sekrit@host/a.whl?X-Amz-Signature=sekrit)\n"
    )
    message = translate(stderr, "x").message
    assert "sekrit" not in message
    assert "http://127.0.0.1:9/simple/pandas/" in message


def test_uv_options_are_no_hint_for_our_users():
    stderr = UNSOLVABLE + "\nhint: Consider using a higher `--python-version` value\n"
    assert translate(stderr, "x").hint == ""


def test_packages_without_wheels_are_named_once():
    assert lacking_wheels(NO_WHEELS) == ["kfp-server-api"]
    assert lacking_wheels(UNSOLVABLE) == []


def test_a_package_whose_old_versions_lack_wheels_is_no_sdist_package():
    assert lacking_wheels(OLD_NO_WHEELS) == []


def test_long_reasons_are_cut_at_the_front():
    text = essence("error: a\n" + "\n".join(f"line {n}" for n in range(1000)))
    assert len(text) <= LIMIT + 2
    assert text.endswith("line 999")
