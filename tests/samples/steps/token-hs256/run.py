from step import round_trip

assert round_trip("trainer") == "trainer"
