"""Steps that are not published yet → assembled images, their layers sent on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from packaging.utils import canonicalize_version

from kfslim.build.assemble import Stacked, assemble
from kfslim.build.built import BuiltLayer
from kfslim.build.interpreter import Interpreter
from kfslim.build.layers import LayerFactory
from kfslim.build.recipe import recipes
from kfslim.build.venv import environment_layer
from kfslim.errors import BadPlan
from kfslim.flow.bases import base_tag, interpreter_for, open_base
from kfslim.flow.before import measure_image
from kfslim.flow.builders import Assembled, Making
from kfslim.flow.bytecode import TracedBytecode
from kfslim.flow.context import Context, pool
from kfslim.flow.extras import project_layers, with_os_packages
from kfslim.flow.sending import Sender, sender
from kfslim.flow.traffic import Traffic
from kfslim.lock.install import install
from kfslim.lock.tree import Installed, site_packages
from kfslim.measure.combine import combine
from kfslim.measure.label import LABEL, to_label
from kfslim.measure.model import Measurement, PythonMeasure
from kfslim.oci import Image, Platform, Store
from kfslim.plan.model import ImagePlan, StepPlan

Bases = Callable[[], Mapping[str, Image]]  # waits for them: digest of the plan's base → image


def assemble_steps(
    context: Context, steps: Sequence[StepPlan], store: Store, traffic: Traffic
) -> Making:
    """Make the images of ``steps``; when they are yielded, ``store`` has all their layers.

    Raises:
        BadPlan: a plan cannot be followed on this machine.
        KfslimError: what a stage raises.
    """
    plans = list(dict.fromkeys(image for step in steps for image in step.images))
    if not plans:
        return
    with sender(context, store, traffic) as sending, pool(1) as aside:
        # Bases while uv fetches and installs: seconds of downloading and of one core's work.
        bases = aside.submit(_bases, context, plans, store, sending).result
        stacks = _stacks(context, plans, bases, sending)
        grounds = {plan: _ground(context, plan, bases(), sending) for plan in plans}
    publish_bases(context, plans, bases(), store, traffic)
    for step in steps:
        made = [_image(context, plan, grounds[plan], stacks[plan], step) for plan in step.images]
        yield step, Assembled(tuple(m[0] for m in made), tuple(m[1] for m in made))


def _bases(
    context: Context, plans: Sequence[ImagePlan], store: Store, sending: Sender
) -> dict[str, Image]:
    bases: dict[str, Image] = {}
    for plan in plans:
        if plan.base.digest not in bases:
            base = bases[plan.base.digest] = open_base(context, plan.base, plan.codec, store)
            for layer in base.layers:
                sending.send(layer)
    return bases


def _ground(
    context: Context, plan: ImagePlan, bases: Mapping[str, Image], sending: Sender
) -> Image:
    """Return what a plan's environment stands on: its base, with its OS packages.

    Always with OCI media types: the image's digest must not depend on where it goes, and skopeo
    refuses schema 2 in a layout.
    """
    ground = with_os_packages(context, plan, bases[plan.base.digest].as_oci())
    for layer in ground.layers:
        sending.send(layer)
    return ground


def _stacks(
    context: Context, plans: Sequence[ImagePlan], bases: Bases, sending: Sender
) -> dict[ImagePlan, tuple[BuiltLayer, ...]]:
    """Return the layers on top of each plan's ground, lowest first."""
    wheels = _wheel_layers(context, plans, bases, sending)
    stacks = {}
    for plan in plans:
        base = bases()[plan.base.digest]
        stack = (
            environment_layer(plan, context.cache),
            *wheels[plan],
            *project_layers(context, plan, base),
        )
        for built in stack:
            sending.send(built.layer)
        stacks[plan] = stack
    return stacks


def _wheel_layers(
    context: Context, plans: Sequence[ImagePlan], bases: Bases, sending: Sender
) -> dict[ImagePlan, tuple[BuiltLayer, ...]]:
    """Make the layers of distributions of all plans, those for one Python and platform at once."""
    groups: dict[tuple[str, str], list[ImagePlan]] = defaultdict(list)
    for plan in plans:
        groups[plan.base.python.minor, plan.base.platform].append(plan)
    layers: dict[ImagePlan, tuple[BuiltLayer, ...]] = {}
    for group in groups.values():
        layers |= _group_layers(context, group, bases, sending)
    return layers


def _group_layers(
    context: Context, plans: Sequence[ImagePlan], bases: Bases, sending: Sender
) -> dict[ImagePlan, tuple[BuiltLayer, ...]]:
    wanted = {plan: recipes(plan) for plan in plans}
    traced = TracedBytecode(context.cache, plans, sending)
    flat = [*(recipe for plan in plans for recipe in wanted[plan]), *traced.recipes]
    factory = LayerFactory(
        context.cache, context.progress, needs_no_blob=lambda made: sending.has(made.layer)
    )
    with context.cache.scratch() as folder:
        installed: Sequence[Installed] = ()
        interpreters: list[Interpreter] = []
        if missing := factory.missing(flat):
            base = plans[0].base
            with pool(1) as aside:  # bases are there before uv is done
                starting = aside.submit(_interpreters, context, plans, bases)
                installed = install(
                    context.uv,
                    missing,
                    python=base.python.minor,
                    platform=Platform.parse(base.platform),
                    folder=folder,
                    progress=context.progress,
                )
                interpreters = starting.result()

        def send(made: BuiltLayer) -> None:
            if not traced.is_pack(made):
                sending.send(made.layer)

        built = factory.build(flat, installed, interpreters, send)
    by_key = {layer.key: layer for layer in built}
    return {
        plan: (*(by_key[r.key] for r in wanted[plan]), *traced.layers(plan, by_key))
        for plan in plans
    }


def _interpreters(context: Context, plans: Sequence[ImagePlan], bases: Bases) -> list[Interpreter]:
    """Return the interpreters that compile for ``plans``, each once."""
    compiling = {plan.base.digest: plan.base for plan in plans if plan.bytecode != "none"}
    return [interpreter_for(context, base, bases()[d]) for d, base in compiling.items()]


def publish_bases(
    context: Context,
    plans: Sequence[ImagePlan],
    bases: Mapping[str, Image],
    store: Store,
    traffic: Traffic,
) -> None:
    """Tag the bases that kfslim assembled: mirrors drop old packages, registries keep images."""
    for base in {plan.base.digest: plan.base for plan in plans if plan.base.packages}.values():
        traffic.add(store.write(bases[base.digest], base_tag(base), context.progress))


def _image(
    context: Context, plan: ImagePlan, ground: Image, stack: Sequence[BuiltLayer], step: StepPlan
) -> tuple[Image, Measurement]:
    """Stack the layers; the image's label tells what it measures."""
    below = measure_image(context, ground, plan.base.asked)
    python = _python(plan, below, step.name)
    measurement = combine(below, [built.added for built in stack], python)
    check_held(plan, measurement, step.name)
    stacked = [Stacked(built.layer, built.created_by) for built in stack]
    image = assemble(ground, stacked, plan, step.step_digest).with_config(
        labels={LABEL: to_label(measurement)}
    )
    return image, measure_image(context, image, "")


def _python(plan: ImagePlan, below: Measurement, step: str) -> PythonMeasure:
    """Return the environment's Python, on top of the one that is below it.

    Raises:
        BadPlan: it is not the one that the plan names.
    """
    python, site = below.python, site_packages(plan.base.python.minor)
    if python is None or python.version != plan.base.python.version:
        raise BadPlan(
            f"step {step}: the base {plan.base.asked} carries Python "
            f"{python.version if python else 'none'}, the plan says {plan.base.python.version}"
        )
    return PythonMeasure(
        version=python.version,
        executable=f"{plan.environment}/bin/python3",
        interpreter=python.interpreter or python.executable,
        site_dirs=(f"{plan.environment}/{site}", *python.site_dirs),
        libc=python.libc,
    )


def check_held(plan: ImagePlan, made: Measurement, step: str) -> None:
    """Hold the image to its plan: every version that its lock names is there."""
    held = {(d.name, canonicalize_version(d.version)) for d in made.distributions}
    for locked in plan.lock.distributions:
        if (locked.name, canonicalize_version(locked.version)) not in held:
            raise BadPlan(
                f"step {step}: its layers do not hold {locked.name} {locked.version}, "
                "which the plan's lock names",
                hint="The plan was edited; make it again.",
            )
