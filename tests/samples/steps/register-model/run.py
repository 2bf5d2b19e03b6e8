import os

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
from step import register

assert register(os.getcwd(), 0.5) == 0.5
