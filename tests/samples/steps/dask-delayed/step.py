from dask import compute, delayed


@delayed
def square(number: int) -> int:
    return number * number


def total(count: int) -> int:
    parts = [square(n) for n in range(count)]
    return sum(compute(*parts, scheduler="synchronous"))
