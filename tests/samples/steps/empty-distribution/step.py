import Levenshtein
from unidecode import unidecode


def distance(a: str, b: str) -> int:
    return Levenshtein.distance(unidecode(a), unidecode(b))
