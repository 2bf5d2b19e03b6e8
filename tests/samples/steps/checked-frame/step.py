import pandas as pd
import pandera.pandas as pa

SCHEMA = pa.DataFrameSchema({"age": pa.Column(int, pa.Check.ge(0))})


def check(ages: list) -> bool:
    try:
        SCHEMA.validate(pd.DataFrame({"age": ages}))
    except pa.errors.SchemaError:
        return False
    return True
