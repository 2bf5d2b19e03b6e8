from step import columns

assert columns() == ["sepal length (cm)"]
