def separate(rows: list) -> int:
    from sklearn.cluster import KMeans

    return len(set(KMeans(n_clusters=2, n_init=1, random_state=0).fit(rows).labels_))
