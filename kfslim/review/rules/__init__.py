"""The rules: each looks at a :class:`~kfslim.review.scene.Scene` and yields findings."""

from kfslim.review.rules import bases, copies, image, installs, os_packages, secret
from kfslim.review.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    installs.twice,
    os_packages.build_tools,
    copies.copied_too_early,
    copies.no_ignore_file,
    os_packages.kept_lists,
    installs.cached,
    os_packages.recommended,
    installs.development,
    bases.floating,
    bases.root,
    secret.in_instruction,
    copies.deleted,
    os_packages.one_stage,
    image.doubles,
    image.build_tools,
    image.development,
    image.secrets,
    image.deleted,
)

__all__ = ["RULES"]
