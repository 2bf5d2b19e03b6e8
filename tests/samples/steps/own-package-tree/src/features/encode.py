from utils.seed import generator


def encode(names):
    order = generator().permutation(len(names))
    return [names[i] for i in order]
