def register(folder: str, accuracy: float) -> float:
    import mlflow

    mlflow.set_tracking_uri(f"file:{folder}/runs")
    mlflow.set_experiment("train")
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", accuracy)
    return mlflow.get_run(run.info.run_id).data.metrics["accuracy"]
