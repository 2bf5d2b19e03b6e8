import pickle

from dateutil.relativedelta import relativedelta
from step import next_day

with open("interval.pkl", "wb") as out:
    pickle.dump(relativedelta(months=1), out)
assert next_day("interval.pkl", "2026-01-31") == "2026-02-28"
