//! Floor 0: what things are and every legal step.
