"""What kubelets of several versions say of images."""

from __future__ import annotations

import pytest

from kfslim.cluster.messages import read_event, seconds_of
from kfslim.cluster.model import ImagePull

IMAGE = "registry.example.com/ml/retrain@sha256:" + "1" * 64


@pytest.mark.parametrize(
    ("message", "outcome", "seconds", "size"),
    [
        (f'Successfully pulled image "{IMAGE}"', "pulled", None, None),
        (f'Successfully pulled image "{IMAGE}" in 12.25s', "pulled", 12.25, None),
        (
            f'Successfully pulled image "{IMAGE}" in 1.5s (1m2.5s including waiting)',
            "pulled",
            62.5,
            None,
        ),
        (
            f'Successfully pulled image "{IMAGE}" in 345ms (345ms including waiting). '
            "Image size: 89012345 bytes.",
            "pulled",
            0.345,
            89012345,
        ),
        (f'Container image "{IMAGE}" already present on machine', "present", 0.0, None),
        (
            f'Container image "{IMAGE}" already present on machine and can be accessed by the pod',
            "present",
            0.0,
            None,
        ),
        (f'Failed to pull image "{IMAGE}": rpc error: code = Unknown', "failed", None, None),
        (f'Back-off pulling image "{IMAGE}"', "failed", None, None),
    ],
)
def test_messages(message, outcome, seconds, size):
    assert read_event("spec.containers{main}", message) == ImagePull(
        container="main", image=IMAGE, outcome=outcome, seconds=seconds, content_bytes=size
    )


@pytest.mark.parametrize("message", ["Created container main", "", 'Pulling image "x"'])
def test_other_events_say_nothing(message):
    assert read_event("spec.containers{main}", message) is None


def test_init_containers_have_names_too():
    message = 'Container image "a:1" already present on machine'
    found = read_event("spec.initContainers{kfp-launcher}", message)
    assert found and found.container == "kfp-launcher"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h2m3.5s", 3723.5), ("250µs", 0.00025), ("7m", 420.0), ("", None), ("soon", None)],
)
def test_durations_of_go(text, seconds):
    assert seconds_of(text) == seconds
