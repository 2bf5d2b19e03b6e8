import statsmodels.formula.api as smf


def slope(data: dict) -> float:
    return round(float(smf.ols("y ~ x", data=data).fit().params["x"]), 3)
