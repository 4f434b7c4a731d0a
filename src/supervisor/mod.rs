//! Floor 2: the far end, one session on one machine.

pub mod checks;
pub mod workspace;
