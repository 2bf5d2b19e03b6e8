from step import cache_features

assert cache_features("features.feather") == 49.0
