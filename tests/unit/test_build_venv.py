"""Whose packages the environment in an image sees."""

import pytest

from kfslim.build.venv import configuration
from kfslim.plan.model import PythonFacts

SYSTEM = "/usr/lib/python3/dist-packages"
VENV = "/opt/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("site_dirs", "expected"),
    [((SYSTEM,), "true"), ((VENV,), "false"), ((VENV, SYSTEM), "true"), ((), "true")],
    ids=["system", "venv", "venv that sees the system", "none"],
)
def test_the_system_is_seen_unless_the_bases_own_environment_hid_it(site_dirs, expected):
    python = PythonFacts(
        version="3.11.2",
        executable="/opt/venv/bin/python3",
        interpreter="/usr/bin/python3.11",
        site_dirs=site_dirs,
    )
    text = configuration(python)
    assert f"include-system-site-packages = {expected}\n" in text
    assert "home = /usr/bin\n" in text
