//! Floor 3: how an input becomes a committed step.
