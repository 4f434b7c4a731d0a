//! Laws of the session.

mod golden;
mod laws;
mod stories;
mod table;
mod world;
