import pandas as pd
import pyreadstat
from step import load

pyreadstat.write_sav(pd.DataFrame({"age": [30.0, 41.0]}), "s.sav")
assert load("s.sav") == [30.0, 41.0]
