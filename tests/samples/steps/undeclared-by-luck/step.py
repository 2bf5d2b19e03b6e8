import numpy as np
import urllib3
from dateutil.parser import parse


def age(day: str) -> int:
    assert urllib3.util.parse_url("http://a/b").path == "/b"
    return int(np.int64(parse(day).year))
