//! Floor 2: the far end, one session on one machine.

pub mod home;
pub mod journal;
pub mod life;
pub mod prompt;
pub mod sandbox;
pub mod text;
