import networkx as nx


def most_important(edges: list) -> str:
    graph = nx.DiGraph(edges)
    ranks = nx.pagerank(graph)
    return max(ranks, key=ranks.get)
