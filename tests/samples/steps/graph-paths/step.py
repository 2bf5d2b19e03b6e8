import networkx as nx


def order(edges: list) -> list:
    """Which task runs when: pure Python inside networkx."""
    return list(nx.topological_sort(nx.DiGraph(edges)))
