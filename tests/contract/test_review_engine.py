"""Images that a real engine built, in both dialects, reviewed with their Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from parts.command import run_here
from parts.need import missing
from parts.shell import shell_image

from kfslim.engine.buildkit import find_client
from kfslim.engine.connection import BuildEngine
from kfslim.engine.model import Build
from kfslim.engine.packing import packed
from kfslim.oci.image import Platform

BASE = "kfslim-test/review:1.2.3"
BUILT = "kfslim-test/reviewed:now"
DOCKERFILE = f"""\
ARG BASE={BASE}
FROM ${{BASE}} AS builder
RUN echo made > /made

FROM ${{BASE}} AS lower
ENV A=1
RUN cat /bin/sh /bin/sh > /large

FROM lower
ARG GREETING="to all"
LABEL one=1 two="2 3"
WORKDIR /app
COPY --from=builder /made ./
COPY . .
RUN echo "$GREETING" | \\
    # who is there
    cat > greeting
RUN rm /large
RUN echo a > a && rm a
EXPOSE 8080
VOLUME /data
USER 65532
ENTRYPOINT ["/bin/sh", "-c"]
CMD cat greeting
"""
FILES = {
    "key.pem": b"-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n",
    "data/rows": b"1;2\n" * 100,
}
LINES = [6, 7, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 24]


@pytest.fixture(params=["classic", "buildkit"])
def image(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The reference of the image that the Dockerfile gives."""
    if request.param == "buildkit" and find_client() is None:
        missing("no docker client here can build with BuildKit")
    with BuildEngine(request.param) as there:
        there.load(shell_image("cat", "rm"), BASE)
        files = {"Dockerfile": DOCKERFILE.encode(), **FILES}
        with packed(files) as archive:
            build = Build("reviewed", archive, "Dockerfile", Platform())
            with there.built(build) as made:
                there._client.api.tag(made, BUILT)
                yield f"docker-daemon:{BUILT}"
                there.drop(BUILT)
        there.drop(BASE)


def test_every_instruction_has_its_cost(image, tmp_path):
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    done = run_here("audit", tmp_path / "Dockerfile", "--image", image, "--json")
    assert done.returncode == 0, done.stderr
    review = json.loads(done.stdout)
    assert [cost["line"] for cost in review["costs"] if not cost["base"]] == LINES
    costs = {cost["line"]: cost for cost in review["costs"]}
    assert costs[0]["base"] and costs[0]["disk_bytes"] > 100_000
    assert costs[13]["disk_bytes"] == len("made\n")
    assert costs[15]["disk_bytes"] == len("to all\n")
    assert costs[14]["disk_bytes"] == sum(map(len, FILES.values())) + len(DOCKERFILE)
    assert sum(cost["disk_bytes"] for cost in review["costs"]) == review["disk_bytes"]
    assert sum(cost["content_bytes"] for cost in review["costs"]) == review["content_bytes"]
    assert review["notes"] == []

    told = [(one["code"], one["line"]) for one in review["findings"]]
    assert told == [("KS604", 14), ("KS611", 14), ("KS612", 18)]
    assert review["findings"][-1]["disk_bytes"] == costs[7]["disk_bytes"]
    assert "/app/key.pem" in review["findings"][1]["message"]


def test_an_image_of_another_dockerfile(image, tmp_path):
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.replace("echo a > a", "echo b > b"))
    done = run_here("audit", tmp_path / "Dockerfile", "--image", image)
    assert done.returncode == 0, done.stderr
    assert "the image does not fit the Dockerfile: nothing in its history is of line 19" in (
        " ".join(done.stdout.split())
    )
