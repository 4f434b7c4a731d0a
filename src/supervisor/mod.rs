//! Floor 2: the far end, one session on one machine.

pub mod checks;
pub mod desk;
pub mod home;
pub mod inbox;
pub mod journal;
pub mod life;
pub mod listen;
pub mod process;
pub mod prompt;
pub mod sandbox;
pub mod station;
pub mod text;
pub mod workspace;
