import networkx as nx


def edges(pairs: list, path: str) -> int:
    frame = nx.to_pandas_edgelist(nx.Graph(pairs))
    frame.to_csv(path, index=False)
    return len(frame)
