def train(data_path: str, model_path: str, metrics_path: str) -> None:
    import json

    import joblib
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split

    frame = pd.read_parquet(data_path)
    train_x, test_x, train_y, test_y = train_test_split(
        frame.drop(columns="label"), frame["label"], random_state=0
    )
    model = RandomForestClassifier(n_estimators=5, random_state=0).fit(train_x, train_y)
    joblib.dump(model, model_path)
    with open(metrics_path, "w") as out:
        json.dump({"accuracy": model.score(test_x, test_y)}, out)
