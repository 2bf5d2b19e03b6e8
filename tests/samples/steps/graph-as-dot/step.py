import networkx as nx


def dot(edges: list) -> str:
    return nx.nx_pydot.to_pydot(nx.DiGraph(edges)).to_string()
