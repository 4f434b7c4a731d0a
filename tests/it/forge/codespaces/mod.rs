//! GitHub Codespaces as the local forge plays them.

mod device;
mod faults;
mod gh;
mod life;
mod spec;
mod tunnel;
mod walk;
mod world;
