import pandas as pd


def margin(frame: "pd.DataFrame") -> "pd.DataFrame":
    return frame.eval("margin = price - cost", engine="numexpr")


def main(price: list, cost: list) -> list:
    return margin(pd.DataFrame({"price": price, "cost": cost}))["margin"].tolist()
