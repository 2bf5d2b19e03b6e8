import networkx as nx


def draw(path: str) -> None:
    graph = nx.path_graph(3)
    layout = {node: (node, node % 2) for node in graph}
    nodes = nx.draw_networkx_nodes(graph, pos=layout)
    nodes.get_figure().savefig(path)
