"""Image → Measurement.  Takes values, never a store."""
