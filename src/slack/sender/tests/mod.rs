//! Laws of the sender: its budget and its plan alone, then the whole of it.

mod anything;
mod budget;
mod draw;
mod plan;
mod world;
