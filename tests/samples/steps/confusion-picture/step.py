from sklearn.metrics import ConfusionMatrixDisplay


def picture(truth: list, guess: list, path: str) -> None:
    display = ConfusionMatrixDisplay.from_predictions(truth, guess)
    display.figure_.savefig(path)
