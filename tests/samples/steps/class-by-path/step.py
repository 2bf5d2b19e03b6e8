from typing import Any

from pydantic import BaseModel, ImportString


class Plan(BaseModel):
    sampler: ImportString[Any] = "numpy.random.default_rng"
    model_config = {"validate_default": True}


def draw(count: int) -> int:
    return len(Plan().sampler(0).random(count))
