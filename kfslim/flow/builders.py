"""The builders: each makes a plan's images its own way, and puts its own mark on them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kfslim.flow.context import Context
from kfslim.flow.traffic import Traffic
from kfslim.measure.model import Measurement
from kfslim.oci import Image, Store
from kfslim.plan.model import StepPlan

ENGINE = "engine"
MARKS = ("", ENGINE)  # of all builders
BuilderName = Literal["daemonless", "engine"]
AnyDialect = Literal["auto", "buildkit", "classic"]


@dataclass(frozen=True)
class Assembled:
    """The images of one step, one per platform, and what they measure."""

    images: tuple[Image, ...]
    measurements: tuple[Measurement, ...]


Making = Generator[tuple[StepPlan, Assembled], None, None]


class Builder(Protocol):
    """Makes the images of steps.

    ``mark`` begins their tags and is their label ``io.kfslim.builder``, so that what one builder
    made is never taken for another's.  kfslim's own, whose images follow from the plan to the last
    byte, has none.
    """

    @property
    def mark(self) -> str:
        """The mark."""

    def build(
        self, context: Context, steps: Sequence[StepPlan], store: Store, traffic: Traffic
    ) -> Making:
        """Yield each step with its images, whose layers ``store`` has then.

        Who asks for the next step has published this one.  Close the generator: what was made for
        a step that was not published is then removed.

        Raises:
            BadPlan: a plan cannot be followed on this machine.
            KfslimError: what a stage raises.
        """


class Daemonless:
    """kfslim's own builder: no engine, no root, the same bytes everywhere."""

    mark = ""

    def build(
        self, context: Context, steps: Sequence[StepPlan], store: Store, traffic: Traffic
    ) -> Making:
        """Yield each step with its images; see :class:`Builder`."""
        from kfslim.flow.assembling import assemble_steps  # not needed where all is there

        return assemble_steps(context, steps, store, traffic)


def builder_named(name: BuilderName, dialect: AnyDialect = "auto") -> Builder:
    """Return the builder called ``name``; ``dialect`` is the engine's."""
    if name == "daemonless":
        return Daemonless()
    from kfslim.flow.engine_building import EngineBuilder

    return EngineBuilder(dialect)
