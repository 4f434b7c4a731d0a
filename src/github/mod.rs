//! Floor 1: octocrab as typed verbs.
