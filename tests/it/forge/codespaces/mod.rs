//! GitHub Codespaces as the local forge plays them.

mod device;
mod faults;
mod life;
mod spec;
mod tunnel;
mod walk;
mod world;
