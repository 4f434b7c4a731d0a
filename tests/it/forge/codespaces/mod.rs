//! GitHub Codespaces as the local forge plays them.

mod life;
mod world;
