//! Floor 0: the only reader of time.
