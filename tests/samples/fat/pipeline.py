"""A pipeline whose steps declare nothing and share one fat image; compiled by the tests."""

from collections.abc import Callable

from kfp import compiler, dsl


def frame(table: dsl.Output[dsl.Dataset]) -> dict:
    import numpy
    import pandas

    data = pandas.DataFrame({"kind": ["a", "b", "a", "b"] * 50, "x": range(200)})
    data["y"] = (data["kind"] == "a").astype(int)
    data.to_parquet(table.path, engine="pyarrow")
    return {
        "pandas": pandas.__version__,
        "numpy": numpy.__version__,
        "sums": data.groupby("kind")["x"].sum().to_dict(),
    }


def train(model: dsl.Output[dsl.Model]) -> dict:
    import joblib
    import sklearn
    from sklearn.datasets import load_wine
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_wine()
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.data, data.target)
    joblib.dump(fitted, model.path)
    return {"sklearn": sklearn.__version__, "score": fitted.score(data.data, data.target)}


def score(model: dsl.Input[dsl.Model]) -> dict:
    import joblib
    from sklearn.datasets import load_wine

    data = load_wine()
    fitted = joblib.load(model.path)
    return {"joblib": joblib.__version__, "score": fitted.score(data.data, data.target)}


def plain(numbers: list) -> float:
    import statistics

    return statistics.mean(numbers)


def plot(picture: dsl.Output[dsl.Artifact]) -> str:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    axes.set_title("three points")
    figure.savefig(picture.path, format="png")
    return matplotlib.__version__


def remote(key: str) -> dict:
    import fsspec
    import pandas

    url = f"s3://models/{key}.csv"
    opened = fsspec.get_filesystem_class(url.partition(":")[0])
    if key != "absent":
        return pandas.read_csv(url).to_dict()
    return {"opens_s3": opened.__module__}


def declares(url: str) -> dict:
    import pandas
    import requests

    return {"requests": requests.__version__, "pandas": pandas.__version__}


def newer(text: str = "") -> dict:
    import numpy
    import pandas

    return {"pandas": pandas.__version__, "numpy": numpy.__version__, "text": text}


def ours() -> int:
    import house_rules

    return house_rules.LIMIT


def fetch(url: str = "") -> str:
    import kfp
    import requests

    return kfp.__version__ if requests.__version__ else url


def client() -> str:
    import kfp
    from kfp import client

    return kfp.__version__ if client.Client else ""


def _step(function: Callable, image: str, *packages: str, **more) -> Callable:
    return dsl.component(function, base_image=image, packages_to_install=list(packages), **more)


def compile_fat(image: str, path: str) -> None:
    """Compile the pipeline of the steps that need nothing but the image."""

    @dsl.pipeline(name="fat")
    def fat():
        _step(frame, image)()
        trained = _step(train, image)()
        _step(score, image)(model=trained.outputs["model"])
        _step(plain, image)(numbers=[1, 2, 3, 6])
        _step(plot, image)()
        _step(remote, image)(key="absent")
        _step(declares, image, "requests")(url="")
        _step(newer, image, "pandas==2.2.3")(text="new")

    compiler.Compiler().compile(fat, path)


def compile_one(function: Callable, image: str, path: str, *packages: str, **more) -> None:
    """Compile a pipeline of one step."""

    @dsl.pipeline(name=f"only-{function.__name__}")
    def one():
        _step(function, image, *packages, **more)()

    compiler.Compiler().compile(one, path)
