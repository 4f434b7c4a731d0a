//! Floor 5: puts rooms together for a role.
