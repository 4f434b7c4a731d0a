//! Floor 1: the git CLI as typed verbs.
