def generator(seed=0):
    import numpy

    return numpy.random.default_rng(seed)
