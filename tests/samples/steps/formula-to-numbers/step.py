import sympy


def evaluate(formula: str, points: list) -> list:
    x = sympy.Symbol("x")
    function = sympy.lambdify(x, sympy.sympify(formula), modules="numpy")
    return [float(function(point)) for point in points]
