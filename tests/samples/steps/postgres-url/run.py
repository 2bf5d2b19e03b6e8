from step import plan_query

assert "features_daily" in plan_query("db", "features_daily")
